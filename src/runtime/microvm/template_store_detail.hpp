// The templates of a node: files that are whole or not there. See machine_template_detail.hpp.
#pragma once

#include "machine_parts_detail.hpp"
#include "machine_size_detail.hpp"

#include <rik/async/awaitable.hpp>

#include <filesystem>
#include <set>
#include <string>

namespace rik::detail {

/// Machines that can share a template, beside what is the same for all of a node.
struct template_kind {
    int processor_count = 1;
    std::int64_t memory_mib = 128;
    bool has_network = false;
};

template_kind kind_of(container_request const& request);

/// Blocks, as much as a look at some files does. Precondition: the parts are complete. `tag`: of the runtime.
std::string key_of(machine_parts const& parts, template_kind const& kind, std::string const& tag);

/// All functions block.
class template_store {
public:
    explicit template_store(std::filesystem::path directory) : directory_(std::move(directory)) {}

    /// Removes what is half made, by whoever was killed.
    result<void> prepare() const;
    /// Its file; empty if there is none. It counts as used.
    std::filesystem::path find(std::string const& key) const;
    void forget(std::string const& key) const;
    /// Takes what was made at `half(key)`. Those that were not used for the longest time go, but none that is spared.
    result<void> keep(std::string const& key, std::multiset<std::string> const& spared) const;
    /// Of a template that is being made.
    std::filesystem::path half(std::string const& key) const;
    std::filesystem::path plan(std::string const& key) const;

private:
    std::filesystem::path directory_;
};

/// How many are kept: some tens of megabytes each.
inline constexpr std::size_t templates_max = 4;

struct template_order {
    template_kind kind = {};
    std::string key = {};
    std::uint32_t uid = 0;  ///< that QEMU has meanwhile
};

/// Makes one, which takes as long as a machine's start. `in_use`: the keys of those that none may take away; it is read
/// when this one is made. Errors: internal, it could not be made; those of files and processes. Cancel: what makes it
/// is killed, and `prepare` removes the rest.
awaitable<result<void>> make_template(runtime_context const& on, machine_parts const& parts,
                                      template_store const& store, template_order what,
                                      std::multiset<std::string> const& in_use);

}  // namespace rik::detail
