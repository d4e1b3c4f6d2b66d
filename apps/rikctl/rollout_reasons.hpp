// Why a rollout is not complete.
#pragma once

#include <rik/client/client.hpp>

#include <boost/json/value.hpp>

#include <string>

#include "session.hpp"

namespace rikctl {

/// Is it, an instance or a workload, being deleted?
bool is_leaving(boost::json::value const& object);

/// Says on the standard error why nothing is done about a workload, if something holds it up, and which of its
/// instances is not ready: why, and what its containers have written last. What cannot be read is left out.
class rollout_reasons {
public:
    rollout_reasons(session& with, rik::client server) : with_(with), server_(std::move(server)) {}

    /// Unless it was the last to be told. `rollout` is as of rik::client::get_rollout.
    void tell_news(boost::json::value const& rollout);

private:
    struct culprit;
    culprit find(boost::json::value const& rollout);
    void tell_one(boost::json::value const& rollout, culprit const& who);
    void tell_container(std::string const& instance, boost::json::value const& container);

    session& with_;
    rik::client server_;
    std::string told_ = {};
};

}  // namespace rikctl
