// An address, as --listen takes it.
#include <rik/http/server.hpp>

int main() {
    auto const address = rik::parse_tcp_address("127.0.0.1:5000");
    return address && address->port == 5000 ? 0 : 1;
}
