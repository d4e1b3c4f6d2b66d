#include "carriers_detail.hpp"

namespace rik::detail {

grpc::Status status_of(std::optional<error> const& why) {
    if (!why) return grpc::Status::OK;
    auto const code =
        why->code == errc::not_found ? grpc::StatusCode::NOT_FOUND : grpc::StatusCode::FAILED_PRECONDITION;
    return {code, why->message};
}

std::optional<error> error_of(grpc::Status const& status) {
    if (status.ok() || status.error_code() == grpc::StatusCode::CANCELLED) return std::nullopt;
    auto const code = status.error_code() == grpc::StatusCode::NOT_FOUND ? errc::not_found : errc::unavailable;
    return error{code, status.error_message()};
}

}  // namespace rik::detail
