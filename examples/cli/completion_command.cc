// nanogrid completion: a script that makes a shell complete commands, options, functions and jobs.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "command.h"
#include "output.h"

namespace {

struct Options {
  std::string shell{};
};

// What completes the words of a command that are no options.
std::string WordsCommand(const std::string& command) {
  const auto is = [&](std::initializer_list<const char*> names) {
    return std::any_of(names.begin(), names.end(),
                       [&](const char* name) { return command == name; });
  };
  if (is({"invoke", "functions", "rm"})) return "nanogrid functions -q 2>/dev/null";
  if (is({"jobs", "result", "logs", "cancel", "retry"})) {
    return "nanogrid jobs -q --limit 100 2>/dev/null";
  }
  if (is({"completion"})) return "echo bash zsh fish";
  return "";
}

std::vector<const CLI::App*> Commands(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::string Flags(const CLI::App& command) {
  std::string flags;
  for (const CLI::Option* const option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) flags += "--" + name + " ";
  }
  return flags;
}

constexpr char kBash[] = R"bash(# nanogrid completion for bash: eval "$(nanogrid completion bash)"
_nanogrid() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} flags='' words=''
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '{}--help --version' -- "$current"))
    return
  fi
  case ${{COMP_WORDS[1]}} in
{}  esac
  [[ $current == -* ]] && words=$flags
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _nanogrid nanogrid
)bash";

std::string BashScript(const CLI::App& app) {
  std::string names, cases;
  for (const CLI::App* const command : Commands(app)) {
    const std::string& name = command->get_name();
    names += name + " ";
    const std::string words = WordsCommand(name);
    cases += fmt::format("    {}) flags='{}'; words=$({}) ;;\n", name, Flags(*command),
                         words.empty() ? ":" : words);
  }
  return fmt::format(kBash, names, cases);
}

std::string ZshScript(const CLI::App& app) {
  return "# nanogrid completion for zsh: eval \"$(nanogrid completion zsh)\"\n"
         "autoload -U +X bashcompinit && bashcompinit\n" +
         BashScript(app);
}

std::string Quoted(std::string text) {
  for (size_t at = 0; (at = text.find('\'', at)) != std::string::npos; at += 2) {
    text.replace(at, 1, "\\'");
  }
  return "'" + text + "'";
}

std::string FishScript(const CLI::App& app) {
  std::string script = "# nanogrid completion for fish: nanogrid completion fish | source\n";
  for (const CLI::App* const command : Commands(app)) {
    const std::string& name = command->get_name();
    script += fmt::format("complete -c nanogrid -n __fish_use_subcommand -f -a {} -d {}\n", name,
                          Quoted(command->get_description()));
    const std::string here =
        fmt::format("complete -c nanogrid -n '__fish_seen_subcommand_from {}'", name);
    if (const std::string words = WordsCommand(name); !words.empty()) {
      script += fmt::format("{} -f -a '({})'\n", here, words);
    }
    for (const CLI::Option* const option : command->get_options()) {
      for (const std::string& flag : option->get_lnames()) {
        script += fmt::format("{} -l {} -d {}\n", here, flag, Quoted(option->get_description()));
      }
    }
  }
  return script;
}

ExitCode Print(const CLI::App& app, const Options& options) {
  Output out(stdout);
  out.Print(options.shell == "bash"  ? BashScript(app)
            : options.shell == "zsh" ? ZshScript(app)
                                     : FishScript(app));
  const nanogrid::Status status = out.Flush();
  return status.ok() ? kExitSuccess : ReportFailure(status, false);
}

}  // namespace

Command AddCompletionCommand(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* const command = app.add_subcommand("completion", "Print a shell's completion script");
  command->add_option("SHELL", options->shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->type_name("");
  command->footer("For bash, in ~/.bashrc:\n  eval \"$(nanogrid completion bash)\"");
  return {command, [options, &app] { return Print(app, *options); }};
}
