// A scheduler's end of links listens on a free port, and ends.
#include <rik/link/grpc_link.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

int main() {
    boost::asio::io_context context;
    rik::system_clock time;
    rik::grpc_link_server server(context.get_executor(), time, "127.0.0.1:0", {});
    auto const started = server.start();
    boost::asio::co_spawn(context, server.stop(), boost::asio::detached);
    context.run();
    return started && !server.address().ends_with(":0") ? 0 : 1;
}
