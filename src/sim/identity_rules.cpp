#include "identity_rules_detail.hpp"

#include <fmt/format.h>

#include <utility>

namespace rik::sim {

void identity_rules::add(std::string site, machine const& on) { sites_.emplace(std::move(site), known_site{&on}); }

void identity_rules::power_off(std::string const& site) {
    auto const at = sites_.find(site);
    if (at == sites_.end()) return;
    at->second.is_off = true;
    ++at->second.boot;
}

void identity_rules::power_on(std::string const& site) {
    if (auto const at = sites_.find(site); at != sites_.end()) at->second.is_off = false;
}

void identity_rules::put(instance const& row) {
    if (!has_identities(row.made_from()->definition->kind)) return;
    identities_[row.id()] = {row.tenant() + '/' + row.name(), row.owner(), row.index()};
}

void identity_rules::give_up(std::string const& site, instance_id const& which) {
    auto& at = sites_.at(site);
    at.given_up.emplace(which, at.is_off ? std::nullopt : std::optional(at.boot));
}

bool identity_rules::are_same(identity const& one, identity const& other) {
    return one.name == other.name || (one.owner && one.owner == other.owner && one.index && one.index == other.index);
}

bool identity_rules::is_mistaken(known_site const& at, instance_id const& which) {
    auto const found = at.given_up.find(which);
    return found != at.given_up.end() && found->second == at.boot;
}

std::vector<std::string> identity_rules::started(std::string const& site, instance_id const& which) const {
    std::vector<std::string> found;
    auto const known = identities_.find(which);
    if (known == identities_.end()) return found;
    auto const& [name, owner, index] = known->second;
    auto const& here = sites_.at(site);
    auto const is_mistake = is_mistaken(here, which);
    if (here.given_up.contains(which) && !is_mistake)
        found.push_back(fmt::format("{} was started on {} after it was given up there", name, site));
    for (auto const& [other_name, other_site] : sites_) {
        for (auto const& key : other_site.on->running()) {
            auto const other = identities_.find(key.instance);
            if (key.instance == which || other == identities_.end() || !are_same(known->second, other->second))
                continue;
            if (!is_mistake && !is_mistaken(other_site, key.instance))
                found.push_back(fmt::format("{} was started on {} while it runs on {}", name, site, other_name));
        }
    }
    return found;
}

}  // namespace rik::sim
