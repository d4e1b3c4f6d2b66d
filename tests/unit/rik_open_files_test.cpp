#include "open_files.hpp"
#include "support/catch.hpp"

#include <rik/base/limits.hpp>

using namespace rik;
using namespace rik::app;

TEST_CASE("clients leave enough open files for Pods and tools", "[unit][rik]") {
    CHECK(connections_for(65'536, 1) == limits::http_connections_max);
    CHECK(connections_for(65'536, 2) == limits::http_connections_max);
    CHECK(connections_for(open_files_wanted(2), 2) == limits::http_connections_max);
    for (std::size_t files : {64u, 256u, 1024u, 4096u})
        for (std::size_t kinds : {1u, 2u}) {
            auto const each = connections_for(files, kinds);
            INFO(files << " files, " << each << " connections for each of " << kinds);
            CHECK(each >= 8);
            CHECK(each * kinds <= std::max<std::size_t>(files / 2, 16));
        }
    CHECK(connections_for(256, 1) == 81);
}

TEST_CASE("the soft limit of open files is raised to the hard one", "[unit][rik]") {
    auto const now = raise_open_files_limit();
    CHECK(now >= 256);
    CHECK(raise_open_files_limit() == now);
}
