// Parser of text/event-stream.  Source: WHATWG HTML, "Server-sent events", 9.2.6.
#pragma once

#include <rik/base/result.hpp>

#include <cstddef>
#include <optional>
#include <queue>
#include <string>
#include <string_view>

namespace rik {

inline constexpr std::size_t stream_event_bytes_max = 8u << 20;

struct stream_event {
    std::string id = {};  ///< the last id seen so far, as the format has it
    std::string type = "message";
    std::string data = {};
    friend bool operator==(stream_event const&, stream_event const&) = default;
};

/// Takes bytes as they arrive, cut anywhere, and returns whole events. Unlike a browser it also returns an event that
/// has a type but no data.
class event_stream_parser {
public:
    /// Errors: exhausted, one event is longer than stream_event_bytes_max.
    result<void> feed(std::string_view bytes);
    /// Returns the next whole event, if there is one.
    std::optional<stream_event> next();
    /// Returns the id of the last whole block, which may have been an id without an event.
    std::string const& last_id() const { return whole_id_; }

private:
    void read_line();
    void read_field(std::string_view name, std::string_view value);
    void finish_event();

    std::string line_;
    bool is_first_line_ = true;
    bool after_carriage_return_ = false;
    std::string last_id_;
    std::string whole_id_;
    std::string type_;
    std::string data_;
    bool has_data_ = false;
    std::queue<stream_event> ready_;
};

}  // namespace rik
