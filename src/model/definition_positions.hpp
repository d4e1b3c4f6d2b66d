// Where in a text the fields of a definition stand: looked up only when there is something wrong with them.
#pragma once

#include "model/definition_tree.hpp"
#include "model/yaml_detail.hpp"

#include <rik/base/error.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace rik::detail {

/// Adds to the message of each problem with a field where the field stands, or, if it is missing, what it is missing
/// from: ", line 7 column 5".
class position_teller {
public:
    /// Of a document that begins at `from` in its file. `text` must outlive this.
    position_teller(std::string_view text, text_position from) : text_(text), from_(from) {}
    /// `at` is the path of the definition in the document; empty: it is the document.
    void tell(problems& found, std::string const& at = {});

private:
    std::string_view text_;
    text_position from_;
    std::optional<place_map> places_;  ///< looked up when it is needed
};

}  // namespace rik::detail
