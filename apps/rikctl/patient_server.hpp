// A server that is waited for when it goes away meanwhile; shared by what waits for workloads.
#pragma once

#include <rik/client/client.hpp>

#include <functional>
#include <optional>
#include <string>

#include "session.hpp"

namespace rikctl {

/// Returns at that time.
void sleep_to(rik::time_point when);

/// Asks one server until a deadline. When the server is lost it says so, once, and when it is there again.
class patient_server {
public:
    struct limits {
        rik::time_point deadline;
        bool was_reached = false;  ///< it has answered a moment ago, so the first question is repeated, too
    };
    patient_server(session& with, rik::client const& server, limits const& how);

    using question = std::function<rik::result<std::string>(rik::client&)>;
    /// Repeats the question until the server answers or the deadline passes. A server that has never answered is not
    /// waited for. Errors: as of the question; if `is_lost`, there was no answer until the deadline.
    rik::result<std::string> ask(question const& what);

    /// The next change of an instance; none if there is none until `until`, or if only the connection has changed.
    /// Each call is about the same instances. Errors: as of rik::watch_stream, but for what passes.
    rik::result<std::optional<rik::watch_event>> next(rik::list_filter const& which, rik::time_point until);

    bool is_lost() const { return is_lost_; }

private:
    void lose(std::string const& reason);
    void find();

    session& with_;
    rik::client server_;
    rik::time_point deadline_;
    bool was_reached_;
    bool is_lost_ = false;
    bool had_news_ = false;
    std::optional<rik::watch_stream> news_ = {};
};

}  // namespace rikctl
