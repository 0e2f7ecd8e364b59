#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <optional>
#include <utility>

#include "core/errors.h"
#include "core/private_directory.h"
#include "nanogrid/adapters/docker.h"
#include "sandbox/common/launch_block.h"
#include "sandbox/docker/container_cgroup.h"
#include "sandbox/docker/container_spec.h"
#include "sandbox/docker/docker_instance.h"
#include "sandbox/docker/engine_answers.h"
#include "sandbox/docker/engine_api.h"
#include "sandbox/docker/orphans.h"
#include "sandbox/docker/owner.h"
#include "sandbox/docker/uid_pool.h"

namespace nanogrid {
namespace docker {
namespace {

namespace json = boost::json;

constexpr size_t kMaxImageName = 255;
// Where an engine maps ids, few are mapped.
constexpr uint32_t kFirstMappedUid = 1000;
constexpr uint32_t kMappedUids = 32 << 10;

Status CheckImageName(const std::string& name) {
  const bool fits = !name.empty() && name.size() <= kMaxImageName &&
                    name.find_first_not_of(
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                        "0123456789._-/:@") == std::string::npos &&
                    name.find("..") == std::string::npos && name.front() != '/' &&
                    name.front() != '.' && name.front() != '-';
  if (fits) return absl::OkStatus();
  return InvalidArgument("image: '{}' is no image's name", name);
}

// Colons and commas would be read as something else by an engine.
Status CheckHostPath(const char* field, const std::string& path) {
  if (!path.empty() && path[0] == '/' && path.find('\0') == path.npos) return absl::OkStatus();
  return InvalidArgument("{}: '{}' is not a usable absolute path", field, path);
}

// What the first Start prepares, and the sandbox keeps.
struct Engine {
  Engine(ScratchDirectory directory, uint32_t first_uid, uint32_t uid_count)
      : files(std::move(directory)), uids(first_uid, uid_count) {}

  ScratchDirectory files;
  std::string instances_dir{};
  bool maps_users = false;
  UidPool uids;
};

class DockerSandbox final : public Sandbox {
 public:
  DockerSandbox(DockerSandboxOptions options, Result<EngineAddress> address)
      : options_(std::move(options)), api_(std::make_shared<EngineApi>(std::move(address))) {}

  Result<std::unique_ptr<Instance>> Start(const Context& context,
                                          const FunctionPackage& package) override;

 private:
  // Connects, and prepares what every start needs. The first call does it; a failed one is made
  // again by the next.
  Result<Engine*> Prepare(const Context& context);
  Result<Image> FindImage(const Context& context, const FunctionPackage& package);
  Result<Container> Create(const Context& context, const FunctionPackage& package,
                           const ContainerSpec& spec);
  Status ExplainEnd(const Context& context, const Container& container, const Status& error);

  const DockerSandboxOptions options_;
  const std::shared_ptr<EngineApi> api_;
  std::mutex mutex_;
  std::unique_ptr<Engine> engine_{};
  std::atomic<uint64_t> next_instance_{1};
};

Result<Engine*> DockerSandbox::Prepare(const Context& context) {
  const std::lock_guard lock(mutex_);
  if (engine_) return engine_.get();
  NANOGRID_RETURN_IF_ERROR(api_->Negotiate(context).status());
  NANOGRID_ASSIGN_OR_RETURN(const json::object info, api_->Get(context, "/info"));
  NANOGRID_RETURN_IF_ERROR(RemoveOrphans(context, *api_));
  NANOGRID_ASSIGN_OR_RETURN(ScratchDirectory files, MakePrivateDirectory());
  const bool maps = MapsUsers(info);
  auto engine =
      std::make_unique<Engine>(std::move(files), maps ? kFirstMappedUid : options_.first_uid,
                               maps ? kMappedUids : options_.uid_count);
  engine->maps_users = maps;
  engine->instances_dir = engine->files.path() + "/instances";
  if (::mkdir(engine->instances_dir.c_str(), 0700) != 0) {
    return ErrnoError(errno, "mkdir " + engine->instances_dir);
  }
  engine_ = std::move(engine);
  return engine_.get();
}

Result<Image> DockerSandbox::FindImage(const Context& context, const FunctionPackage& package) {
  const std::string& name = package.image;
  if (name.empty()) return InvalidArgument("image: sandbox docker needs one");
  const bool ours = !options_.image_prefix.empty() && name.starts_with(options_.image_prefix);
  NANOGRID_RETURN_IF_ERROR(CheckImageName(name));
  Result<json::object> found = api_->Get(context, "/images/" + name + "/json");
  if (absl::IsNotFound(found.status())) {
    return FailedPrecondition("image: {} has no '{}'; make it with: {} {}", api_->Describe(), name,
                              ours ? "examples/docker/build-images.sh" : "docker pull", name);
  }
  NANOGRID_RETURN_IF_ERROR(found.status());
  Image image = ImageOf(*found);
  if (image.platform != "linux/amd64") {
    return FailedPrecondition("image: '{}' is for {}, linux/amd64 is needed", name, image.platform);
  }
  if (image.id.empty()) return Internal("{}: tells no id of '{}'", api_->Describe(), name);
  return image;
}

Result<Container> DockerSandbox::Create(const Context& context, const FunctionPackage& package,
                                        const ContainerSpec& spec) {
  uint64_t random = 0;
  if (::getrandom(&random, sizeof(random), 0) != sizeof(random)) {
    return ErrnoError(errno, "getrandom");
  }
  // Named by us: what the engine made is removed even if its answer did not come through.
  Container container(api_, fmt::format("nanogrid-{:016x}", random));
  NANOGRID_RETURN_IF_ERROR(api_->Post(context, "/containers/create?name=" + container.name(),
                                      CreateRequest(package, spec))
                               .status());
  return container;
}

// In place of "it has ended": how.
Status DockerSandbox::ExplainEnd(const Context& context, const Container& container,
                                 const Status& error) {
  if (!absl::IsAborted(error)) return error;
  const Result<json::object> found = api_->Get(context, container.Path("/json"));
  if (!found.ok()) return found.status();
  const ContainerState state = StateOf(*found);
  return Internal("sandbox set-up failed: the container ended at once: {}, exit code {}{}{}",
                  state.status, state.exit_code, state.oom_killed ? ", out of memory" : "",
                  state.error.empty() ? "" : ": " + state.error);
}

Result<std::unique_ptr<Instance>> DockerSandbox::Start(const Context& context,
                                                       const FunctionPackage& package) {
  NANOGRID_RETURN_IF_ERROR(context.Check(std::chrono::steady_clock::now()));
  NANOGRID_RETURN_IF_ERROR(CheckHostPath("code_dir", package.code_dir));
  if (!package.root.empty()) {
    return InvalidArgument("root: a container's root is its image; name that");
  }
  NANOGRID_ASSIGN_OR_RETURN(const UniqueFd launch, MakeLaunchBlock(package.command, package.env));
  NANOGRID_ASSIGN_OR_RETURN(Engine* const engine, Prepare(context));
  NANOGRID_ASSIGN_OR_RETURN(Image image, FindImage(context, package));
  NANOGRID_ASSIGN_OR_RETURN(Uid uid, Uid::Take(engine->uids));
  NANOGRID_ASSIGN_OR_RETURN(
      Rendezvous rendezvous,
      Rendezvous::Make(engine->instances_dir, std::to_string(next_instance_.fetch_add(1))));
  NANOGRID_ASSIGN_OR_RETURN(Container container, Create(context, package,
                                                        {.image_id = std::move(image.id),
                                                         .image_volumes = std::move(image.volumes),
                                                         .owner = OwnerOfThisProcess(),
                                                         .uid = uid.id(),
                                                         .shared_dir = rendezvous.directory(),
                                                         .runtime_dir = options_.runtime_dir}));
  NANOGRID_RETURN_IF_ERROR(api_->Post(context, container.Path("/start")).status());
  NANOGRID_ASSIGN_OR_RETURN(const json::object inspected,
                            api_->Get(context, container.Path("/json")));
  const pid_t pid = StateOf(inspected).pid;
  UniqueFd pidfd(pid > 0 ? static_cast<int>(syscall(SYS_pidfd_open, pid, 0)) : -1);
  if (!pidfd) {
    return ExplainEnd(context, container, MakeError(absl::StatusCode::kAborted, "ended"));
  }
  std::optional<CgroupFiles> cgroup = OpenContainerCgroup(pid);
  if (const std::string update = LimitsUpdate(package.limits); !update.empty()) {
    NANOGRID_RETURN_IF_ERROR(api_->Post(context, container.Path("/update"), update).status());
  }
  InstancePipes ours;
  InstancePipeEnds theirs;
  NANOGRID_RETURN_IF_ERROR(MakeInstancePipes(ours, theirs));
  const ExpectedPeer peer{.pid = pid, .uid = uid.id(), .check_uid = !engine->maps_users};
  Result<UniqueFd> output =
      rendezvous.Hand(context, peer, pidfd.get(), package.protocol == Protocol::kFrames, ours,
                      theirs, launch.get());
  if (!output.ok()) return ExplainEnd(context, container, output.status());
  const bool has_cgroup = cgroup.has_value();
  InstanceFiles files(pid, has_cgroup, has_cgroup ? *std::move(cgroup) : CgroupFiles{});
  return std::make_unique<DockerInstance>(
      package, std::move(ours), std::move(files), std::move(uid), std::move(rendezvous),
      std::move(container), std::move(pidfd), *std::move(output));
}

}  // namespace
}  // namespace docker

Result<std::unique_ptr<Sandbox>> MakeDockerSandbox(const DockerSandboxOptions& options) {
  Result<docker::EngineAddress> address = docker::ParseEngineAddress(options.engine);
  // What the environment says matters to who starts a container, and to nobody else.
  if (!options.engine.empty() && !address.ok()) return address.status();
  if (!options.runtime_dir.empty()) {
    NANOGRID_RETURN_IF_ERROR(docker::CheckHostPath("runtime_dir", options.runtime_dir));
  }
  if (options.uid_count < docker::UidPool::kBlockSize || options.first_uid == 0 ||
      options.first_uid > INT32_MAX - options.uid_count) {
    return InvalidArgument("first_uid, uid_count: {} and {} are no range of at least {} users",
                           options.first_uid, options.uid_count, docker::UidPool::kBlockSize);
  }
  return std::make_unique<docker::DockerSandbox>(options, std::move(address));
}

Result<std::unique_ptr<Sandbox>> MakeDockerSandbox(const Uri& uri) {
  NANOGRID_RETURN_IF_ERROR(uri.CheckQuery({"engine", "image_prefix"}));
  if (!uri.path.empty() || uri.has_authority) {
    return InvalidArgument("docker: takes no path or host, but ?engine=unix:///path; got '{}'",
                           uri.ToString());
  }
  DockerSandboxOptions options;
  if (const auto engine = uri.query.find("engine"); engine != uri.query.end()) {
    options.engine = engine->second;
  }
  return MakeDockerSandbox(options);
}

DockerReport InspectDocker(const DockerSandboxOptions& options) {
  docker::EngineApi api(docker::ParseEngineAddress(options.engine));
  const Result<docker::EngineVersion> version =
      api.Negotiate(Context::WithTimeout(std::chrono::seconds(5)));
  if (!version.ok()) return {.detail = std::string(version.status().message())};
  return {.reachable = true,
          .detail =
              fmt::format("version {}, API {}: {}", version->engine, version->api, api.Describe())};
}

}  // namespace nanogrid
