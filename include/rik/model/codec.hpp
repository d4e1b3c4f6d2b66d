// The stored text of each object (compact JSON), for journals and links.
#pragma once

#include <rik/base/result.hpp>
#include <rik/model/document.hpp>
#include <rik/model/instance.hpp>
#include <rik/model/node.hpp>
#include <rik/model/workload.hpp>

#include <string>
#include <string_view>

namespace rik {

/// Finds the releases that stored objects refer to while these are decoded.
class release_source {
public:
    virtual ~release_source() = default;
    /// Returns nullptr if there is no such release.
    virtual release_ptr find_release(release_id const& id) const = 0;
};

std::string encode(workload const& object);
std::string encode(release const& object);
std::string encode(instance const& object);
std::string encode(node const& object);
std::string encode(document const& object);
std::string encode(instance_status const& status);

/// Each of these has Errors: corrupt, `text` is not what `encode` makes, or refers to a release that is not there.
/// Unknown members are ignored, since a newer version of RIK may have written them. Of a definition its text is stored,
/// and parsed here; a workload shares that of its current release if their texts are the same.
result<workload> decode_workload(std::string_view text, release_source const& releases);
result<release> decode_release(std::string_view text);
result<instance> decode_instance(std::string_view text, release_source const& releases);
result<node> decode_node(std::string_view text);
result<document> decode_document(std::string_view text);
result<instance_status> decode_instance_status(std::string_view text);

}  // namespace rik
