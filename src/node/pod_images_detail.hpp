// The images that the containers of a Pod start from.
#pragma once

#include "container_notes_detail.hpp"

#include <rik/async/task_group.hpp>

#include <vector>

namespace rik::detail {

/// Pulls them, as often as it takes. Use it from one strand only.
class pod_images {
public:
    /// `progressed` is notified when one has come, or failed. All that a start waits for is told by it: so those that
    /// wait keep the order of the definition, in whatever order the images come.
    pod_images(pod_core& pod, container_notes& notes, notifier& progressed)
        : pod_(pod), notes_(notes), progressed_(progressed), all_(pod.unit_count()), pulls_(pod.on.strand) {}

    /// The Pod is made anew. Precondition: nothing is pulled.
    void reset() { all_.assign(all_.size(), {}); }
    /// Does nothing if it is there, or on its way.
    void begin(std::size_t unit);
    /// Waits until it is there.
    awaitable<image_ptr> get(std::size_t unit);
    /// Waits until those of the containers that start first are there, or one try has failed.
    awaitable<> wait_for_first();
    awaitable<> stop() { return pulls_.stop(); }

private:
    struct source {
        image_ptr image = {};
        bool is_on_its_way = false;
        bool has_failed = false;  ///< the newest pull
    };

    awaitable<> pull(std::size_t unit);
    awaitable<result<image_ptr>> pull_once(container_definition const& of);
    void take(std::size_t unit, image_ptr image);
    void take_failure(std::size_t unit, error const& why, bool is_forbidden, unsigned failures);
    bool are_first_settled() const;

    pod_core& pod_;
    container_notes& notes_;
    notifier& progressed_;
    std::vector<source> all_;
    task_group pulls_;  // last member: the pulls use everything above
};

}  // namespace rik::detail
