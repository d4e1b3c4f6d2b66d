#include <rik/model/node.hpp>

namespace rik {

void settle_labels(node& of) {
    of.labels = of.operator_labels;
    of.labels.insert(of.facts.labels.begin(), of.facts.labels.end());  // where there is none of the key yet
}

void settle_death(node& of) {
    if (of.state != node_state::unheard && of.remnants.empty()) of.standing.is_dead = false;
}

}  // namespace rik
