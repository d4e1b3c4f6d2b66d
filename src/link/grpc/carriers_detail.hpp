// Pipes over the callback API of gRPC: whatever it tells on its threads is posted to the pipe's strand.
#pragma once

#include "open_calls_detail.hpp"
#include "pipe_detail.hpp"

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>
#include <grpcpp/support/server_callback.h>

#include <rik/base/time.hpp>

#include <boost/asio/post.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace rik::detail {

/// As arguments of channels have it.
inline int milliseconds(duration length) {
    return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(length).count());
}

/// How the end of a call is told to its other end, and back.
grpc::Status status_of(std::optional<error> const& why);
std::optional<error> error_of(grpc::Status const& status);

// Both carriers own themselves until gRPC has said its last word. After `is_ended_` no operation begins. gRPC may tell
// something on the thread that is just beginning an operation, so the lock can be taken again there.

template <class Out, class In>
class client_carrier final : public grpc::ClientBidiReactor<Out, In>,
                             public pipe_carrier<Out>,
                             public open_call,
                             public std::enable_shared_from_this<client_carrier<Out, In>> {
public:
    using pipe_ptr = std::shared_ptr<pipe<Out, In>>;

    client_carrier(pipe_ptr to, open_calls& among) : pipe_(std::move(to)), strand_(pipe_->strand()), calls_(among) {}

    grpc::ClientContext& context() { return context_; }

    /// After the call was given to gRPC, on the strand.
    void start() {
        own_ = this->shared_from_this();
        pipe_->begin(*this);
        this->AddHold();  // operations begin outside of its callbacks
        this->StartCall();
    }

    void read() override {
        std::scoped_lock const lock(guard_);
        if (!is_ended_) this->StartRead(&arrived_);
    }
    void write(Out const& message) override {
        std::scoped_lock const lock(guard_);
        if (!is_ended_) this->StartWrite(&message);
    }
    void finish() override {
        std::scoped_lock const lock(guard_);
        if (!is_ended_) this->StartWritesDone();
    }
    void end(std::optional<error> const&) override { cancel(); }
    void cancel() override {
        std::scoped_lock const lock(guard_);
        if (std::exchange(is_ended_, true)) return;
        context_.TryCancel();
        this->RemoveHold();
    }

    void OnReadInitialMetadataDone(bool ok) override {
        if (!ok) return cancel();
        asio::post(strand_, [self = own_] { self->pipe_->opened(); });
    }
    /// What the peer has said at the end comes with OnDone.
    void OnReadDone(bool ok) override {
        if (!ok) return release();
        asio::post(strand_, [self = own_] { self->pipe_->was_read(std::move(self->arrived_)); });
    }
    void OnWriteDone(bool ok) override {
        if (ok) asio::post(strand_, [self = own_] { self->pipe_->was_written(); });
    }
    void OnDone(grpc::Status const& status) override {
        auto self = std::move(own_);
        auto& calls = calls_;
        open_call* const key = this;
        asio::post(strand_, [self = std::move(self), why = error_of(status)]() mutable {
            self->pipe_->detach(std::move(why));
            self->pipe_.reset();
        });
        calls.remove(key);
    }

private:
    /// As `cancel`, but what the peer has said stays the status.
    void release() {
        std::scoped_lock const lock(guard_);
        if (std::exchange(is_ended_, true)) return;
        this->RemoveHold();
    }

    pipe_ptr pipe_;
    asio::any_io_executor strand_;
    open_calls& calls_;
    std::shared_ptr<client_carrier> own_;
    grpc::ClientContext context_;
    std::recursive_mutex guard_;
    bool is_ended_ = false;
    In arrived_;
};

template <class Out, class In>
class server_carrier final : public grpc::ServerBidiReactor<In, Out>,
                             public pipe_carrier<Out>,
                             public open_call,
                             public std::enable_shared_from_this<server_carrier<Out, In>> {
public:
    using pipe_ptr = std::shared_ptr<pipe<Out, In>>;

    server_carrier(pipe_ptr to, open_calls& among) : pipe_(std::move(to)), strand_(pipe_->strand()), calls_(among) {}

    /// Before the call is given to gRPC. `serve` is called on the strand.
    template <class Serve>
    void start(Serve serve) {
        own_ = this->shared_from_this();
        this->StartSendInitialMetadata();  // the client knows then that somebody listens
        asio::post(strand_, [self = own_, serve = std::move(serve)] {
            self->pipe_->begin(*self);
            self->pipe_->opened();
            serve(self->pipe_);
        });
    }

    void read() override {
        std::scoped_lock const lock(guard_);
        if (!is_ended_) this->StartRead(&arrived_);
    }
    void write(Out const& message) override {
        std::scoped_lock const lock(guard_);
        if (!is_ended_) this->StartWrite(&message);
    }
    void finish() override { end(std::nullopt); }
    void end(std::optional<error> const& why) override {
        std::scoped_lock const lock(guard_);
        if (std::exchange(is_ended_, true)) return;
        this->Finish(status_of(why));
    }
    void cancel() override { end(error{errc::unavailable, "the scheduler ends"}); }

    void OnCancel() override { end(std::nullopt); }
    void OnReadDone(bool ok) override {
        asio::post(strand_, [self = own_, ok] {
            if (ok)
                self->pipe_->was_read(std::move(self->arrived_));
            else
                self->pipe_->was_read_to_end();
        });
    }
    void OnWriteDone(bool ok) override {
        if (ok) asio::post(strand_, [self = own_] { self->pipe_->was_written(); });
    }
    void OnDone() override {
        auto self = std::move(own_);
        auto& calls = calls_;
        open_call* const key = this;
        asio::post(strand_, [self = std::move(self)] {
            self->pipe_->detach(std::nullopt);
            self->pipe_.reset();
        });
        calls.remove(key);
    }

private:
    pipe_ptr pipe_;
    asio::any_io_executor strand_;
    open_calls& calls_;
    std::shared_ptr<server_carrier> own_;
    std::recursive_mutex guard_;
    bool is_ended_ = false;
    In arrived_;
};

}  // namespace rik::detail
