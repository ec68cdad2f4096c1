/* SPDX-License-Identifier: Apache-2.0
 * tokengate.h with owners, exceptions and lambdas: C++17, one header, no library. An example, to be copied and changed. */
#pragma once

#include <tokengate.h>

#include <chrono>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace tokengate {

/* What a call of the C API failed with. */
struct error : std::runtime_error {
    tg_status status;
    error(tg_status status, const std::string &message)
        : std::runtime_error(std::string(tg_status_name(status)) + ": " + message), status(status) {}
};

inline void check(tg_status status, const tg_error &told) {
    if (status != TG_OK) throw error(status, told.message[0] ? told.message : tg_status_message(status));
}

inline int64_t nanoseconds(std::chrono::nanoseconds time) { return time.count(); }

class coordinator {
    struct destroy {
        void operator()(tg_coordinator *handle) const { tg_coordinator_destroy(handle, nullptr); }
    };
    std::unique_ptr<tg_coordinator, destroy> owned;

public:
    explicit coordinator(const tg_config *config = nullptr) {
        tg_error told = TG_ERROR_INIT;
        tg_coordinator *handle = nullptr;
        check(tg_coordinator_create(config, &handle, &told), told);
        owned.reset(handle);
        check(tg_coordinator_start(handle, &told), told);
    }
    tg_coordinator *get() const { return owned.get(); }

    tg_stop_report stop(std::chrono::nanoseconds timeout = std::chrono::seconds(30)) {
        tg_error told = TG_ERROR_INIT;
        tg_stop_report report = TG_STOP_REPORT_INIT;
        check(tg_coordinator_stop(get(), nanoseconds(timeout), &report, &told), told);
        return report;
    }
};

/* A submitted call whose result is a T. Counted: copies are the same token. */
template <class T>
class token {
    std::shared_ptr<tg_token> owned;

public:
    explicit token(tg_token *reference) : owned(reference, [](tg_token *handle) { tg_token_release(handle); }) {}
    tg_token *get() const { return owned.get(); }
    bool kill() const {
        int32_t settled = 0;
        tg_token_kill(get(), &settled);
        return settled == 1;
    }

    /* Blocks until it is settled. Throws what the body threw, or an error. */
    T wait() const {
        tg_error told = TG_ERROR_INIT;
        tg_value value;
        tg_status status = tg_token_wait(get(), TG_FOREVER, &value, &told);
        if (status == TG_E_BODY_FAILED) std::rethrow_exception(*static_cast<std::exception_ptr *>(value.pointer));
        check(status, told);
        if constexpr (!std::is_void_v<T>) return *static_cast<T *>(value.pointer);
    }
};

/* A function as an operation: calls return tokens. */
template <class Signature>
class operation;

template <class T, class... Arguments>
class operation<T(Arguments...)> {
    using function = std::function<T(Arguments...)>;
    /* One call: the function and its arguments, owned until the body has run. */
    using call = std::function<T()>;
    struct destroy {
        void operator()(tg_operation *handle) const { tg_operation_destroy(handle, nullptr); }
    };
    std::unique_ptr<tg_operation, destroy> owned;
    std::shared_ptr<function> body;

    static int32_t run(tg_context *, void *argument, tg_result *result) {
        try {
            call &work = *static_cast<call *>(argument);
            if constexpr (std::is_void_v<T>) {
                work();
            } else {
                result->value.pointer = new T(work());
                result->destroy = [](void *pointer) { delete static_cast<T *>(pointer); };
            }
            return 0;
        } catch (...) {
            result->value.pointer = new std::exception_ptr(std::current_exception());
            result->destroy = [](void *pointer) { delete static_cast<std::exception_ptr *>(pointer); };
            return 1;
        }
    }

public:
    operation(const coordinator &on, const std::string &type, function work, const tg_operation_options *options = nullptr)
        : body(std::make_shared<function>(std::move(work))) {
        tg_error told = TG_ERROR_INIT;
        tg_operation *handle = nullptr;
        check(tg_operation_create(on.get(), type.c_str(), run, options, &handle, &told), told);
        owned.reset(handle);
    }

    token<T> operator()(Arguments... arguments) const {
        auto *work = new call([body = body, arguments...]() mutable { return (*body)(std::move(arguments)...); });
        tg_submit_options options = TG_SUBMIT_OPTIONS_INIT;
        options.destroy_argument = [](void *pointer) { delete static_cast<call *>(pointer); };
        tg_error told = TG_ERROR_INIT;
        tg_token *reference = nullptr;
        check(tg_submit(owned.get(), work, &options, &reference, &told), told);
        return token<T>(reference);
    }
};

} // namespace tokengate
