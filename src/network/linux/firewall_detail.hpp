// The nftables table of one node, in process.
#pragma once

#include "network/linux/firewall_text_detail.hpp"

#include <rik/async/awaitable.hpp>

#include <boost/asio/strand.hpp>

#include <memory>
#include <string>
#include <vector>

namespace rik::detail {

/// Runs commands one transaction at a time on its own strand of a pool. What arrives while one runs goes together into
/// the next: a transaction takes 1 ms, and some 15 ms when it deletes. Must outlive its calls; callers that are
/// cancelled wait for their end.
class firewall {
public:
    firewall(std::string tag, asio::any_io_executor pool);

    /// Errors of all: denied; internal, with what nftables said.
    awaitable<result<void>> rebuild(firewall_rules rules, firewall_entries entries);
    awaitable<result<void>> add(std::vector<port_mapping> mappings);
    /// Succeeds too for those that are not there.
    awaitable<result<void>> remove(std::vector<port_mapping> mappings);
    /// Precondition of both: the last `rebuild` had a guest.
    awaitable<result<void>> add_guest(guest_identity guest);
    awaitable<result<void>> remove_guest(guest_identity guest);
    /// Returns true if the last `rebuild` had a guest. On the callers' strand.
    bool has_guests() const { return has_guests_; }
    awaitable<result<void>> remove_table();
    /// False if the table is not what the last `rebuild` made; host ports are not looked at.
    awaitable<result<bool>> is_as_made();

private:
    struct batch {
        std::string commands;
        bool has_run = false;
        result<void> outcome;
    };
    awaitable<result<void>> submit(std::string commands);
    awaitable<result<void>> run_in_batch(std::string commands);
    void run_waiting();
    awaitable<result<void>> rebuild_and_look(std::string commands, bool with_guests);
    awaitable<result<bool>> look(bool with_guests);

    std::string tag_;
    asio::strand<asio::any_io_executor> strand_;
    std::shared_ptr<batch> waiting_;  ///< on the strand only
    bool has_guests_ = false;         ///< on the callers' strand only
    std::string made_;                ///< the table's listing after the last `rebuild`; on the strand only
};

}  // namespace rik::detail
