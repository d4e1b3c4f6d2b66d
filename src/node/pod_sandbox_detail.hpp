// What the containers of a Pod stand on: its sandbox, address, network and room.
#pragma once

#include "pod_telling_detail.hpp"

#include <rik/async/task_group.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace rik::detail {

/// Use it from one strand only.
class pod_sandbox {
public:
    enum class leaving : std::uint8_t { nothing, logs };

    pod_sandbox(pod_core& pod, pod_telling& telling) : pod_(pod), telling_(telling), mending_(pod.on.strand) {}

    /// Writes what must be on disk before anything of the Pod runs: that its start was begun in this boot, if it may
    /// be, and its address, if the subnet is known.
    void begin();
    /// Writes that its start was begun in this boot, unless `begin` has. Precondition: it may be.
    void keep_boot();
    /// Makes it, as often as that takes, and waits until its order is on disk. Errors: those of a Pod that is never
    /// restarted, which has failed then; those of the flush.
    awaitable<result<void>> make();
    /// It is an earlier agent's, and something in it runs.
    void take_over_address();
    /// Brings the Pod back on its network, beside the caller. It ends when that succeeds or is known to be in vain.
    void mend();
    /// Ends the mending.
    awaitable<> stop();
    /// Removes it, and what runs in it. What cannot be removed is tried again; `meanwhile` the status says why.
    awaitable<> remove(instance_state meanwhile, leaving what);
    /// Precondition: it was removed.
    void give_back();

private:
    struct failure {
        std::string reason;  ///< of the instance: one word
        error why;
    };

    awaitable<std::optional<failure>> make_once();
    std::optional<failure> take_address();
    awaitable<> keep_mending();
    awaitable<result<void>> try_remove(instance_state meanwhile, leaving what);
    awaitable<result<void>> take_apart(leaving what);
    awaitable<result<void>> kill_containers();

    pod_core& pod_;
    pod_telling& telling_;
    revision starts_after_ = 0;  ///< the change that must be on disk before anything of it runs
    bool is_mending_ = false;
    task_group mending_;  // last member: the task uses everything above
};

/// The namespace is gone: no trying again brings the containers back on the network.
inline bool is_for_good(error const& lost) { return lost.code == errc::not_found || lost.code == errc::invalid; }

}  // namespace rik::detail
