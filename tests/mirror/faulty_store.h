// A store that fails when the test says so.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "nanogrid/storage.h"

namespace nanogrid {

// What the test holds of it.
struct Faults {
  std::atomic<bool> away{false};       // every call is Unavailable
  std::atomic<int64_t> fail_call{-1};  // this one is Unavailable, counted from 0
  std::atomic<bool> after{false};      // that one does its work first
  std::atomic<int64_t> calls{0};
  std::function<void()> after_write{};  // set while nobody calls
};

class FaultyStore final : public ObjectStore {
 public:
  FaultyStore(ObjectStore& store, Faults& faults) : store_(store), faults_(faults) {}

  Status Read(const Context& context, std::string_view key, Sink& sink) override {
    return Do([&] { return store_.Read(context, key, sink); });
  }
  Result<ObjectInfo> Write(const Context& context, std::string_view key, Source& source,
                           const WriteOptions& options) override {
    return DoFor<ObjectInfo>([&] {
      auto written = store_.Write(context, key, source, options);
      if (faults_.after_write) faults_.after_write();
      return written;
    });
  }
  Result<ObjectInfo> Stat(const Context& context, std::string_view key) override {
    return DoFor<ObjectInfo>([&] { return store_.Stat(context, key); });
  }
  Status Remove(const Context& context, std::string_view key) override {
    return Do([&] { return store_.Remove(context, key); });
  }
  Result<ObjectPage> List(const Context& context, std::string_view prefix, std::string_view cursor,
                          size_t limit) override {
    return DoFor<ObjectPage>([&] { return store_.List(context, prefix, cursor, limit); });
  }

 private:
  template <typename Call>
  Status Do(Call call) {
    const bool fails = faults_.calls++ == faults_.fail_call;
    if (faults_.away || (fails && !faults_.after))
      return absl::UnavailableError("made by the test");
    Status status = call();
    return fails ? absl::UnavailableError("made by the test, too late") : status;
  }
  template <typename Value, typename Call>
  Result<Value> DoFor(Call call) {
    Result<Value> result = absl::UnknownError("");
    Status status = Do([&] {
      result = call();
      return result.status();
    });
    if (!status.ok()) return status;
    return result;
  }

  ObjectStore& store_;
  Faults& faults_;
};

}  // namespace nanogrid
