// Whether this machine could run machines.
#include <rik/runtime/microvm/microvm_runtime.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>

int main() {
    boost::asio::io_context context;
    rik::system_clock time;
    rik::microvm_options options{
        .run_dir = "not absolute", .state_dir = "not absolute", .tag = "0", .executor = context.get_executor()};
    options.pool = options.namespace_thread = context.get_executor();
    bool is_refused = false;
    boost::asio::co_spawn(context, rik::microvm_runtime::open(options, time), [&](std::exception_ptr, auto opened) {
        is_refused = !opened;  // for want of QEMU, or because of these paths
    });
    context.run();
    return is_refused ? 0 : 1;
}
