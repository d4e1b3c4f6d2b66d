// A journal in a new file leads and is empty.   usage: uses_sqlite FILE
#include <rik/store/sqlite_journal.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>

int main(int, char** argv) {
    boost::asio::io_context context;
    rik::sqlite_journal journal(argv[1], context.get_executor());
    bool leads = false;
    boost::asio::co_spawn(context, journal.lead(),
                          [&](std::exception_ptr, rik::result<rik::journal_contents> found) { leads = bool(found); });
    context.run();
    return leads ? 0 : 1;
}
