#include "callback_threads_detail.hpp"

#include <grpc/support/time.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/byte_buffer.h>

namespace rik::detail {

namespace {

/// It holds the threads from its first call on, whatever becomes of that.
struct kept_channel {
    kept_channel()
        : stub(grpc::CreateChannel("unix:/dev/null/nobody", grpc::InsecureChannelCredentials())),
          question(&nothing, 1) {
        context.set_deadline(gpr_time_0(GPR_CLOCK_REALTIME));  // over at once
        stub.UnaryCall(&context, "/none/None", {}, &question, &answer, [](grpc::Status const&) {});
    }

    grpc::GenericStub stub;
    grpc::ClientContext context;
    grpc::Slice nothing;
    grpc::ByteBuffer question;
    grpc::ByteBuffer answer;
};

}  // namespace

void keep_callback_threads() {
    static auto const* const kept = new kept_channel;  // threads may use it until the very end
    (void)kept;
}

}  // namespace rik::detail
