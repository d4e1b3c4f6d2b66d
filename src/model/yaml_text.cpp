// JSON as YAML for people.
#include "model/definition_tree.hpp"
#include "model/yaml_detail.hpp"

#include <rik/model/yaml.hpp>

#include <yaml.h>

#include <new>

namespace rik {

namespace detail {

namespace {

/// libyaml's emitter into a string.
class yaml_writer {
public:
    yaml_writer() {
        if (yaml_emitter_initialize(&emitter_) == 0) throw std::bad_alloc();
        yaml_emitter_set_output(&emitter_, &write, &text_);
        yaml_emitter_set_unicode(&emitter_, 1);
        yaml_emitter_set_width(&emitter_, -1);
    }
    yaml_writer(yaml_writer const&) = delete;
    yaml_writer& operator=(yaml_writer const&) = delete;
    ~yaml_writer() { yaml_emitter_delete(&emitter_); }

    std::string write(json::value const& root) {
        yaml_event_t event;
        check(yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
        emit(event);
        check(yaml_document_start_event_initialize(&event, nullptr, nullptr, nullptr, 1));
        emit(event);
        put(root);
        check(yaml_document_end_event_initialize(&event, 1));
        emit(event);
        check(yaml_stream_end_event_initialize(&event));
        emit(event);
        return std::move(text_);
    }

private:
    static int write(void* into, unsigned char* bytes, std::size_t size) {
        static_cast<std::string*>(into)->append(reinterpret_cast<char const*>(bytes), size);
        return 1;
    }
    static void check(int succeeded) {
        if (succeeded == 0) throw std::bad_alloc();
    }
    void emit(yaml_event_t& event) { check(yaml_emitter_emit(&emitter_, &event)); }

    /// Recursion is bounded: the text was read within limits::definition_depth_max.
    void put(json::value const& value) {
        if (auto const* object = value.if_object()) return put(*object);
        if (auto const* array = value.if_array()) return put(*array);
        if (auto const* text = value.if_string())
            return put(std::string_view(text->data(), text->size()), style_of({text->data(), text->size()}));
        put(canonical_text(value), YAML_PLAIN_SCALAR_STYLE);
    }
    void put(json::object const& object) {
        yaml_event_t event;
        auto const style = object.empty() ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE;
        check(yaml_mapping_start_event_initialize(&event, nullptr, nullptr, 1, style));
        emit(event);
        for (auto const& member : object) {
            std::string_view const name(member.key());
            put(name, style_of(name));
            put(member.value());
        }
        check(yaml_mapping_end_event_initialize(&event));
        emit(event);
    }
    void put(json::array const& array) {
        yaml_event_t event;
        auto const style = array.empty() ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE;
        check(yaml_sequence_start_event_initialize(&event, nullptr, nullptr, 1, style));
        emit(event);
        for (auto const& each : array) put(each);
        check(yaml_sequence_end_event_initialize(&event));
        emit(event);
    }
    void put(std::string_view text, yaml_scalar_style_t style) {
        yaml_event_t event;
        auto const* bytes = reinterpret_cast<yaml_char_t const*>(text.data());
        check(yaml_scalar_event_initialize(&event, nullptr, nullptr, const_cast<yaml_char_t*>(bytes),
                                           static_cast<int>(text.size()), 1, 1, style));
        emit(event);
    }

    /// Text that would be read as something else, also by readers of old YAML (`yes`, `0o7`), is quoted.
    static yaml_scalar_style_t style_of(std::string_view text) {
        auto const is_of_lines = text.find('\n') != text.npos && text.find_first_of("\r\t") == text.npos;
        if (is_of_lines && text.front() != ' ' && text.front() != '\n') return YAML_LITERAL_SCALAR_STYLE;
        auto const meaning = resolve_plain(text);
        if (!meaning || !meaning->is_string() || is_old_word(text)) return YAML_DOUBLE_QUOTED_SCALAR_STYLE;
        return YAML_ANY_SCALAR_STYLE;
    }
    static bool is_old_word(std::string_view text) {
        for (std::string_view const word : {"y", "Y", "n", "N", "yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON",
                                            "off", "Off", "OFF", "=", "<<"})
            if (text == word) return true;
        return !text.empty() &&
               (text.front() == '.' || text.front() == '+' || text.front() == '-' ||
                (text.front() >= '0' && text.front() <= '9')) &&
               text.find_first_not_of("0123456789abcdefABCDEFxo:_.+-") == text.npos;
    }

    yaml_emitter_t emitter_ = {};
    std::string text_;
};

}  // namespace

}  // namespace detail

result<std::string> json_to_yaml(std::string_view text) {
    auto const tree = detail::read_json_tree(text);
    if (!tree.found.empty()) return tree.found.front();
    return detail::yaml_writer().write(tree.root);
}

}  // namespace rik
