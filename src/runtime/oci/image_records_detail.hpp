// The small JSON files of the image store, and what is counted of its trees.
#pragma once

#include <boost/json/object.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

/// An empty object if the file is not there or is none.
boost::json::object read_object(std::filesystem::path const& file);

/// An empty text if there is no such member.
std::string text_of(boost::json::object const& object, std::string_view name);
/// 0 if there is no such member.
std::int64_t number_of(boost::json::object const& object, std::string_view name);

/// The entries of a directory, taken before some of them are removed. None if it cannot be read.
std::vector<std::filesystem::path> entries_of(std::filesystem::path const& directory);

/// What a tree takes on its disk; a file with several names in it counts once.
std::int64_t bytes_of_tree(std::filesystem::path const& tree);

}  // namespace rik::detail
