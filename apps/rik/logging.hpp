// The log of rik: spdlog on standard error.
#pragma once

#include <rik/base/log.hpp>

namespace rik::app {

/// One line per entry: text for people, or JSON. Safe from any thread.
class stderr_log final : public log_sink {
public:
    stderr_log(log_level least, bool is_text);
    void write(log_level level, std::string_view message, std::span<log_field const> fields) override;

private:
    bool is_text_;
};

}  // namespace rik::app
