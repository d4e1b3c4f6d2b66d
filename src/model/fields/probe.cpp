// The fields of probes and hooks.
#include "model/fields/rows_detail.hpp"

#include <array>

namespace rik::detail::rows {

namespace {

constexpr std::array exec_fields{
    field{"command", list(text()), "The program and its words; it has succeeded if it exits with 0."}.needed(
        R"(write one entry per word: ["cat", "/tmp/healthy"])"),
};
constexpr object_type exec_action{"ExecAction", "A program that is run in the container.", exec_fields};

constexpr std::array header_fields{
    field{"name", text(header_name), "The name of the header."}.needed("name the header"),
    field{"value", text(header_value), "Its value."},
};
constexpr object_type http_header{"HTTPHeader", "A header of a request.", header_fields};

constexpr std::array http_fields{
    field{"port", port(), "The port, by number or name."}.needed("give the port"),
    field{"path", text(), "The path that is asked for, with a query if there is one."}.by_default("/"),
    field{"scheme", words("HTTP|HTTPS"), "How the connection is made."}.by_default("HTTP"),
    field{"host", text(host_name), "The host that is asked."}.by_default("the Pod's address"),
    field{"httpHeaders", list(object(http_header)), "Headers of the request."},
};
constexpr object_type http_action{"HTTPGetAction", "A request by HTTP; 200 to 399 is success.", http_fields};

constexpr std::array tcp_fields{
    field{"port", port(), "The port, by number or name."}.needed("give the port"),
    field{"host", text(host_name), "The host to which a connection is made."}.by_default("the Pod's address"),
};
constexpr object_type tcp_action{"TCPSocketAction", "A connection that is made and closed.", tcp_fields};

constexpr std::array grpc_fields{
    field{"port", port_number(), "The port."}.needed("give the port"),
    field{"service", text(), "The service that is asked for."},
};
constexpr object_type grpc_action{"GRPCAction", "A question to the health service of gRPC.", grpc_fields};

constexpr std::array sleep_fields{
    field{"seconds", integer(), "How long."}.needed("say how many seconds"),
};
constexpr object_type sleep_action{"SleepAction", "A pause.", sleep_fields};

constexpr std::array probe_fields{
    field{"exec", object(exec_action), "Runs a program in the container."},
    field{"httpGet", object(http_action), "Makes a request by HTTP."},
    field{"tcpSocket", object(tcp_action), "Makes a connection."},
    field{"grpc", object(grpc_action), "Asks the health service of gRPC."},
    field{"initialDelaySeconds", integer(), "How long after the start of the container the first try is made."}
        .by_default("0"),
    field{"periodSeconds", integer(), "How often it is tried."}.by_default("10"),
    field{"timeoutSeconds", integer(), "How long a try may take."}.by_default("1"),
    field{"successThreshold", integer(), "How many successes in a row count as one; but for readiness it is 1."}
        .by_default("1"),
    field{"failureThreshold", integer(), "How many failures in a row count as one."}.by_default("3"),
    field{"terminationGracePeriodSeconds", integer(1),
          "How long the container may take to end after a failure; not of readiness."}
        .by_default("that of the Pod"),
};

constexpr std::array function_probe_fields{
    field{"exec", object(exec_action), "Runs a program inside."}.refused(
        "no program is run inside of a microVM from outside; ask it by httpGet, tcpSocket or grpc"),
};

constexpr std::array handler_fields{
    field{"exec", object(exec_action), "Runs a program in the container."},
    field{"httpGet", object(http_action), "Makes a request by HTTP."},
    field{"tcpSocket", object(tcp_action), "Makes a connection."},
    field{"sleep", object(sleep_action), "Waits."},
};
constexpr object_type handler{"LifecycleHandler", "What a hook does.", handler_fields};

constexpr std::array lifecycle_fields{
    field{"postStart", object(handler), "Done right after the start of the container."},
    field{"preStop", object(handler), "Done before the container is told to end."},
    field{"stopSignal", text(), "The signal that tells the container to end."}.refused(
        "a container is told to end by the signal that its image names, which is TERM if it names none"),
};

}  // namespace

constinit object_type const probe{"Probe", "A question whose answer tells how a container is.", probe_fields};
constinit object_type const function_probe{"FunctionProbe", "A question whose answer tells how a Function is.",
                                           function_probe_fields, &probe};
constinit object_type const lifecycle{"Lifecycle", "What is done after a start and before an end.", lifecycle_fields};

}  // namespace rik::detail::rows
