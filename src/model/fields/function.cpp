// The fields of Functions.
#include "model/fields/rows_detail.hpp"

#include <rik/model/resources.hpp>

#include <array>
#include <limits>

namespace rik::detail::rows {

namespace {

constexpr std::array execution_fields{
    field{"rootfs", text(rootfs_text),
          "What its root file system is made from: an http, https or file URL, a path on the node, or an image: "
          "docker://NAME or oci:/PATH."}
        .needed(rootfs_remedy),
    field{"sha256", text(sha256_text),
          "The SHA-256 of what rootfs names, in hex; what has another is not started. Of an image it is its digest."},
    field{"command", list(text()), "The program that is run, and its words, in place of the root file system's own."},
    field{"env", list(object(variable)), "Variables of the program's environment."},
};
constexpr object_type execution{"Execution", "What a Function runs.", execution_fields};

constexpr std::array exposure_fields{
    field{"port", port_number(), "The port of the node at which it is reached."}.by_default(
        "a free one of 45000 to 49999"),
    field{"targetPort", port_number(), "The port at which it listens."}.by_default("8080"),
    field{"type", words_of_any_case("clusterIP|nodePort|loadBalancer"),
          "How the port is offered; whatever it says, it is a port of the node."}
        .by_default("NodePort"),
};
constexpr object_type exposure{"Exposure", "The port of a Function.", exposure_fields};

constexpr std::array function_request_fields{
    field{resource::cpu, quantity(), "Cores that a node must have free, for example 1 or 500m."},
    field{resource::memory, quantity(), "Memory that a node must have free, for example 128Mi."},
    field{resource::storage, quantity(), "Bytes that a node's disk must have free."},
};
constexpr object_type function_requests{"FunctionRequests", "What a node must have free.", function_request_fields};

constexpr std::array function_limit_fields{
    field{resource::cpu, quantity(),
          "Its virtual processors: whole ones, rounded up. Together they get no more than this of the node's."}
        .by_default("1"),
    field{resource::memory, quantity(), "The memory of the machine, at least 80Mi."}.by_default(
        "the request, or 128Mi"),
    field{resource::storage, quantity(), "The size of its disk, if that is more than what rootfs has."},
};
constexpr object_type function_limits{"FunctionLimits", "What the machine has.", function_limit_fields};

constexpr std::array function_resource_fields{
    field{"requests", object(function_requests), "What a node must have free; a limit stands for a missing one."},
    field{"limits", object(function_limits), "What the machine has."},
};
constexpr object_type function_resources{"FunctionResources", "The size of the machine.", function_resource_fields};

constexpr std::array function_fields{
    field{"execution", object(execution), "What it runs."},
    field{"exposure", object(exposure), "Where it is reached."},
    field{"resources", object(function_resources), "The size of the machine."},
    field{"readinessProbe", object(function_probe), "Tells whether it can be asked."}.by_default(
        "whether its target port answers"),
    field{"livenessProbe", object(function_probe), "Tells whether it must be started anew."},
    field{"startupProbe", object(function_probe), "Tells whether it has started; until then the others are not asked."},
};

/// RIK's schema wants `containers` in a Function; it may be null or empty there.
constexpr std::array function_spec_fields{
    field{"function", object(function), "The microVM of a Function."},
    field{"containers", list(anything()), "Empty in a Function."},
    field{"restartPolicy", words("Always|OnFailure|Never"), "When what has ended is started again."}.by_default(
        "Never"),
    field{"terminationGracePeriodSeconds", integer(0, 86'400), "How long it may take to end after it was told to."}
        .by_default("30"),
    field{"hostname", text(dns_label), "The host name inside."}.by_default("the instance's name"),
    field{"nodeName", text(dns_subdomain), "The only node that may run the instances."},
    field{"nodeSelector", map(label_key, text(label_value)), "Labels that a node must have."},
    field{"tolerations", list(object(toleration)), "Taints of nodes that do not keep it away."},
    field{"priority", integer(std::numeric_limits<std::int32_t>::min()), "Of what waits the highest is placed first."}
        .by_default("0"),
};

}  // namespace

constinit object_type const function{"Function", "A microVM.", function_fields};
constinit object_type const function_spec{"FunctionSpec", "What the instances of a Function are made from.",
                                          function_spec_fields};

}  // namespace rik::detail::rows
