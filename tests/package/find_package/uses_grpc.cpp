// A scheduler's end of links listens on a free port, and ends.
#include <rik/link/grpc_link.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>

int main() {
    boost::asio::io_context context;
    rik::system_clock time;
    rik::grpc_link_server server(context.get_executor(), time, "127.0.0.1:0", {});
    auto const started = server.start();
    auto has_ended = false;
    boost::asio::co_spawn(context, server.stop(), [&](std::exception_ptr thrown) { has_ended = !thrown; });
    context.run();
    return started && has_ended && !server.address().ends_with(":0") ? 0 : 1;
}
