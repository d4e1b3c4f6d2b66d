#include "network/linux/firewall_detail.hpp"

#include "network/linux/netlink_detail.hpp"

#include <rik/async/shield.hpp>
#include <rik/base/shortage.hpp>

#include <boost/asio/post.hpp>

#include <fmt/format.h>
#include <nftables/libnftables.h>

#include <cerrno>
#include <memory>

#include <linux/netlink.h>
#include <sys/socket.h>

namespace rik::detail {

namespace {

struct free_context {
    void operator()(nft_ctx* context) const { nft_ctx_free(context); }
};

/// libnftables ends the whole process if it gets no socket (netlink_init_error of 1.0.6).
result<void> check_socket() {
    descriptor const tried(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
    if (!tried) return system_failure("nftables: netlink socket", errno);
    return {};
}

bool says_shortage(std::string_view said) {
    return said.find("Cannot allocate memory") != said.npos || said.find("Too many open files") != said.npos ||
           said.find("No buffer space available") != said.npos;
}

/// What nftables prints. One transaction: all of `commands` or nothing.   Source: libnftables(3).
result<std::string> run_nft(std::string const& commands, unsigned output_flags = 0) {
    if (auto const may = check_socket(); !may) return may.error();
    // A context of its own each time costs 0.1 ms and keeps no cache of everybody's tables in memory.
    std::unique_ptr<nft_ctx, free_context> const context(nft_ctx_new(NFT_CTX_DEFAULT));
    if (!context) return error{errc::exhausted, "nftables: no memory for a context"};
    nft_ctx_output_set_flags(context.get(), output_flags);
    nft_ctx_buffer_output(context.get());
    nft_ctx_buffer_error(context.get());
    if (nft_run_cmd_from_buffer(context.get(), commands.c_str()) == 0)
        return std::string(nft_ctx_get_output_buffer(context.get()));
    std::string const said = nft_ctx_get_error_buffer(context.get());
    auto code = says_shortage(said) ? errc::exhausted : errc::internal;
    if (said.find("Operation not permitted") != std::string::npos) code = errc::denied;
    if (said.find("No such file or directory") != std::string::npos) code = errc::not_found;
    return error{code, fmt::format("nftables: {}", said.substr(0, said.find('\n')))};
}

/// Without the elements of maps and sets, which come and go.
result<std::string> list_tables(std::string_view tag, bool with_guests) {
    auto listed = run_nft(list_text(tag), NFT_CTX_OUTPUT_TERSE);
    if (!listed || !with_guests) return listed;
    // One by one: of two families at once libnftables 1.0.6 finds only one.
    auto const guests = run_nft(list_guest_table_text(tag), NFT_CTX_OUTPUT_TERSE);
    if (!guests) return guests;
    return *listed + *guests;
}

}  // namespace

firewall::firewall(std::string tag, asio::any_io_executor pool)
    : tag_(std::move(tag)), strand_(asio::make_strand(std::move(pool))) {}

awaitable<result<void>> firewall::rebuild(firewall_rules rules, firewall_entries entries) {
    auto const with_guests = !entries.guests.empty();
    auto looking = rebuild_and_look(rebuild_text(tag_, rules, entries), with_guests);
    auto rebuilding = shield(on_strand(asio::any_io_executor(strand_), std::move(looking)));
    auto const rebuilt = co_await std::move(rebuilding);
    if (rebuilt) has_guests_ = with_guests;  // a kernel may have no such family
    co_return rebuilt;
}

awaitable<result<void>> firewall::rebuild_and_look(std::string commands, bool with_guests) {
    auto const rebuilt = co_await run_in_batch(std::move(commands));
    if (!rebuilt) co_return rebuilt;
    auto listed = list_tables(tag_, with_guests);
    if (!listed) co_return listed.error();
    made_ = std::move(*listed);
    co_return result<void>{};
}

awaitable<result<bool>> firewall::is_as_made() {
    return shield(on_strand(asio::any_io_executor(strand_), look(has_guests_)));
}

awaitable<result<bool>> firewall::look(bool with_guests) {
    auto const listed = list_tables(tag_, with_guests);
    if (!listed && listed.error().code == errc::not_found) co_return false;
    if (!listed) co_return listed.error();
    co_return *listed == made_;
}

awaitable<result<void>> firewall::add(std::vector<port_mapping> mappings) { return submit(add_text(tag_, mappings)); }

awaitable<result<void>> firewall::remove(std::vector<port_mapping> mappings) {
    return submit(remove_text(tag_, mappings));
}

awaitable<result<void>> firewall::add_guest(guest_identity guest) {
    std::vector<guest_identity> const one{std::move(guest)};
    return submit(add_guests_text(tag_, one));
}

awaitable<result<void>> firewall::remove_guest(guest_identity guest) {
    std::vector<guest_identity> const one{std::move(guest)};
    return submit(remove_guests_text(tag_, one));
}

awaitable<result<void>> firewall::remove_table() {
    // A kernel without this family has no such table either.
    [[maybe_unused]] auto const removed = co_await submit(remove_guest_table_text(tag_));
    has_guests_ = false;
    co_return co_await submit(remove_table_text(tag_));
}

awaitable<result<void>> firewall::submit(std::string commands) {
    return shield(on_strand(asio::any_io_executor(strand_), run_in_batch(std::move(commands))));
}

awaitable<result<void>> firewall::run_in_batch(std::string commands) {
    if (!waiting_) waiting_ = std::make_shared<batch>();
    auto const mine = waiting_;
    mine->commands += commands;
    // Everybody who reached the strand while the last transaction ran is before this in its queue.
    co_await asio::post(strand_, asio::use_awaitable);
    if (!mine->has_run) run_waiting();
    co_return mine->outcome;
}

void firewall::run_waiting() {
    auto const current = std::exchange(waiting_, nullptr);
    auto const said = run_nft(current->commands);
    current->outcome = said ? result<void>{} : said.error();
    current->has_run = true;
}

}  // namespace rik::detail
