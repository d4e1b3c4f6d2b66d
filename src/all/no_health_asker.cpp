#include "health_asker_detail.hpp"

namespace rik::detail {

std::unique_ptr<health_asker> make_health_asker(asio::any_io_executor) { return nullptr; }

}  // namespace rik::detail
