// What this machine is.
#include <rik/runtime/oci/linux_host.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <string>

int main() {
    boost::asio::io_context context;
    rik::linux_host machine({.state_directory = "/", .name = "here"});
    std::string name;
    boost::asio::co_spawn(context, machine.describe(), [&](std::exception_ptr, rik::result<rik::node_facts> facts) {
        if (facts) name = facts->name;
    });
    context.run();
    return name == "here" ? 0 : 1;
}
