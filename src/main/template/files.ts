import type { Recipe } from '#main/template/recipe.ts';

const prompt = `# A prompt that says where one is: the directory, the branch, and whether the last command failed.
case $- in *i*) ;; *) return ;; esac
HISTCONTROL=ignoreboth
HISTSIZE=10000
HISTFILESIZE=20000
shopt -s histappend checkwinsize globstar
case ":$PATH:" in *":$HOME/.local/bin:"*) ;; *) PATH="$HOME/.local/bin:$PATH" ;; esac
export LESS=-FRX EDITOR=\${EDITOR:-vi}
__casemate_branch() {
  local branch
  branch=$(git symbolic-ref --short HEAD 2>/dev/null) || branch=$(git rev-parse --short HEAD 2>/dev/null) || return
  printf ' \\001\\e[35m\\002%s' "$branch"
}
__casemate_prompt() {
  local code=$? mark='\\[\\e[32m\\]'
  [ "$code" -eq 0 ] || mark="\\[\\e[31m\\]$code "
  PS1="\\[\\e[1;34m\\]\\w\\[\\e[0m\\]\\$(__casemate_branch)\\n$mark❯\\[\\e[0m\\] "
}
PROMPT_COMMAND=__casemate_prompt
alias ls='ls --color=auto' ll='ls -lh' la='ls -lhA' grep='grep --color=auto' diff='diff --color=auto'
[ -r /usr/share/bash-completion/bash_completion ] && . /usr/share/bash-completion/bash_completion
`;

const gitSettings = `[init]
	defaultBranch = main
[safe]
	directory = /home/user/workspace
[advice]
	detachedHead = false
	skippedCherryPicks = false
[protocol]
	version = 2
[pull]
	ff = only
[fetch]
	prune = true
`;

/** Files that make a Debian tree into the base template, by path in it. */
export function templateFiles(recipe: Recipe): Record<string, string> {
  return {
    'etc/hostname': 'sandbox\n',
    'etc/hosts': '127.0.0.1 localhost sandbox\n::1 localhost ip6-localhost\n',
    'etc/resolv.conf': '',
    'etc/machine-id': '',
    'etc/default/locale': 'LANG=C.UTF-8\n',
    'etc/gitconfig': gitSettings,
    'etc/bash.bashrc': prompt,
    'etc/skel/.bashrc': '# Settings for every shell are in /etc/bash.bashrc; add yours here.\n',
    'etc/skel/.profile': 'PATH="$HOME/.local/bin:$PATH"\n[ -n "$BASH_VERSION" ] && . ~/.bashrc\n',
    'etc/profile.d/casemate.sh': '[ -n "$BASH_VERSION" ] && . /etc/bash.bashrc\n',
    // npm installs programs where the user may write and where PATH looks.
    'usr/local/etc/npmrc': [
      'prefix=${HOME}/.local',
      'update-notifier=false',
      'fund=false',
      ...(recipe.npmRegistry === '' ? [] : [`registry=${recipe.npmRegistry}`]),
      ...(recipe.authorities === '' ? [] : ['cafile=/etc/ssl/certs/ca-certificates.crt']),
      '',
    ].join('\n'),
    'etc/pip.conf': [
      '[global]',
      'disable-pip-version-check = true',
      ...(recipe.pipIndex === '' ? [] : [`index-url = ${recipe.pipIndex}`]),
      ...(recipe.authorities === '' ? [] : ['cert = /etc/ssl/certs/ca-certificates.crt']),
      '',
    ].join('\n'),
    ...(recipe.authorities === '' ? {} : { 'usr/local/share/ca-certificates/host.crt': recipe.authorities }),
  };
}
