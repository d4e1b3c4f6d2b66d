#include <rik/async/awaitable.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/multiple_exceptions.hpp>
#include <boost/system/system_error.hpp>

namespace rik {

bool is_cancellation(std::exception_ptr const& thrown) {
    if (!thrown) return false;
    try {
        std::rethrow_exception(thrown);
    } catch (cancelled const&) {
        return true;
    } catch (boost::system::system_error const& failure) {
        return failure.code() == asio::error::operation_aborted;
    } catch (asio::multiple_exceptions const& several) {
        return is_cancellation(several.first_exception());
    } catch (...) {
        return false;
    }
}

}  // namespace rik
