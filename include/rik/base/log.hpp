// Structured logging: a constant message and fields. The embedding program gives the sink; a cluster without one writes
// warnings and errors to standard error.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace rik {

enum class log_level { debug, info, warning, error };
std::string_view to_string(log_level level);

struct log_field {
    std::string_view name;
    std::string value;
};

/// Where log lines go. `write` may be called from any thread of RIK and must not block for long.
class log_sink {
public:
    virtual ~log_sink() = default;
    virtual void write(log_level level, std::string_view message, std::span<log_field const> fields) = 0;
};

/// A handle that roles keep by value; without a sink it drops everything.
/// error = somebody must act; warning = RIK recovered by itself; info = a state changed; debug = why.
class log {
public:
    log() = default;
    /// `sink` must outlive every copy of this handle.
    explicit log(log_sink& sink) : sink_(&sink) {}

    using fields = std::initializer_list<log_field>;
    void debug(std::string_view message, fields with = {}) const { write(log_level::debug, message, with); }
    void info(std::string_view message, fields with = {}) const { write(log_level::info, message, with); }
    void warning(std::string_view message, fields with = {}) const { write(log_level::warning, message, with); }
    void error(std::string_view message, fields with = {}) const { write(log_level::error, message, with); }

private:
    void write(log_level level, std::string_view message, fields with) const {
        if (sink_ != nullptr) sink_->write(level, message, {with.begin(), with.size()});
    }
    log_sink* sink_ = nullptr;
};

/// Returns a log that writes each warning and error to standard error, as one line "rik: warning: MESSAGE (NAME=VALUE,
/// ...)", and drops the rest. A cluster uses it by default, so that what somebody must act on is never lost. `log()` is
/// silent.
log warnings_to_standard_error();

}  // namespace rik
