#include "engine/leadership.h"

#include <utility>

#include "core/errors.h"

namespace nanogrid {

Leadership::Leadership(std::shared_ptr<ObjectStore> objects, std::string prefix, Duration term)
    : objects_(std::move(objects)), prefix_(std::move(prefix)), term_(term) {}

Result<bool> Leadership::Leads(const Context& context, SystemTime now) {
  if (objects_ == nullptr) return true;
  const Duration since = now.time_since_epoch();
  const int64_t term = since / term_;
  if (term == asked_) return leads_;
  const bool led = leads_ && asked_ == term - 1;
  if (!led && since % term_ < term_ / 3) return false;  // the leader of the last term goes first
  const auto made = WriteObject(context, *objects_, KeyOf(term), "leads", {.if_absent = true});
  if (!made.ok() && !absl::IsAlreadyExists(made.status())) return made.status();
  asked_ = term;
  leads_ = made.ok();
  if (leads_) objects_->Remove(context, KeyOf(term - 2)).IgnoreError();
  return leads_;
}

std::string Leadership::KeyOf(int64_t term) const { return fmt::format("{}{}", prefix_, term); }

}  // namespace nanogrid
