#include "sandbox/docker/orphans.h"

#include <optional>
#include <string>
#include <vector>

#include "core/errors.h"
#include "sandbox/docker/container_cgroup.h"
#include "sandbox/docker/container_spec.h"
#include "sandbox/docker/engine_answers.h"
#include "sandbox/docker/owner.h"

namespace nanogrid::docker {
namespace {

namespace json = boost::json;

// Frozen behind the engine's back, a process would not die of the engine's signals either.
void Thaw(const Context& context, EngineApi& api, const std::string& id) {
  const Result<json::object> found = api.Get(context, "/containers/" + id + "/json");
  if (!found.ok()) return;
  const ContainerState state = StateOf(*found);
  if (state.paused) api.Post(context, "/containers/" + id + "/unpause").IgnoreError();
  if (state.pid <= 0) return;
  if (std::optional<CgroupFiles> cgroup = OpenContainerCgroup(state.pid)) {
    InstanceFiles(state.pid, true, *std::move(cgroup)).SetFrozen(false);
  }
}

}  // namespace

Status RemoveOrphans(const Context& context, EngineApi& api) {
  const std::string filter = fmt::format("{{\"label\":[\"{}\"]}}", kOwnerLabel);
  NANOGRID_ASSIGN_OR_RETURN(
      const json::array containers,
      api.GetList(context, "/containers/json?all=1&filters=" + PercentEncode(filter)));
  for (const json::value& container : containers) {
    const LabelledContainer ours = LabelledContainerOf(container, kOwnerLabel);
    if (ours.id.empty() || !OwnerIsGone(ours.label)) continue;
    Thaw(context, api, ours.id);
    // Another process may have been quicker.
    Status removed = api.Delete(context, "/containers/" + ours.id + "?force=1&v=1");
    if (!removed.ok() && !absl::IsNotFound(removed) && !absl::IsAborted(removed)) return removed;
  }
  return absl::OkStatus();
}

}  // namespace nanogrid::docker
