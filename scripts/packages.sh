# shellcheck shell=bash
# The system's packages: which are needed, which are missing, how to install them.

package_manager() {
  local name
  for name in apt dnf pacman; do
    if have "$name"; then
      echo "$name"
      return
    fi
  done
}

# packages_for MANAGER NEED: what the compiler, the window and the tests need.
packages_for() {
  case $1-$2 in
    apt-compiler) echo build-essential pkg-config ;;
    dnf-compiler) echo gcc gcc-c++ make pkgconf-pkg-config ;;
    pacman-compiler) echo base-devel ;;

    apt-window) echo libwebkit2gtk-4.1-dev libayatana-appindicator3-dev librsvg2-dev ;;
    dnf-window) echo webkit2gtk4.1-devel libappindicator-gtk3-devel librsvg2-devel ;;
    pacman-window) echo webkit2gtk-4.1 libappindicator-gtk3 librsvg ;;

    apt-tests) echo webkit2gtk-driver xvfb xauth dbus dbus-x11 gnome-keyring libsecret-tools \
      x11-utils at-spi2-core fonts-dejavu-core file python3-venv ;;
    dnf-tests) echo webkitgtk6.0 xorg-x11-server-Xvfb xorg-x11-xauth dbus-daemon dbus-x11 gnome-keyring \
      libsecret xprop at-spi2-core dejavu-sans-fonts file python3 ;;
    pacman-tests) echo webkitgtk-6.0 xorg-server-xvfb xorg-xauth dbus gnome-keyring libsecret \
      xorg-xprop at-spi2-core ttf-dejavu file python ;;
  esac
}

package_is_installed() {
  case $1 in
    apt) [ "$(dpkg-query -W -f '${db:Status-Status}' "$2" 2>/dev/null)" = installed ] ;;
    dnf) rpm -q --whatprovides "$2" >/dev/null 2>&1 ;;
    pacman) pacman -T "$2" >/dev/null 2>&1 ;;
  esac
}

# missing_packages MANAGER NEED…: one line of names, empty when all is there.
missing_packages() {
  local manager=$1 need name missing=''
  shift
  for need in "$@"; do
    for name in $(packages_for "$manager" "$need"); do
      package_is_installed "$manager" "$name" || missing="$missing $name"
    done
  done
  echo "${missing# }"
}

# The command that installs, as a person would type it (without sudo).
install_command() {
  case $1 in
    apt) echo apt-get install -y --no-install-recommends ;;
    dnf) echo dnf install -y ;;
    pacman) echo pacman -S --needed --noconfirm ;;
  esac
}

as_root() {
  if is_root; then "$@"; else sudo "$@"; fi
}

# A mirror that drops one archive should not end the set-up.
twice() { "$@" || { note 'That failed; once more.' && "$@"; }; }

# install_packages MANAGER NAME…
install_packages() {
  local manager=$1 command
  shift
  command=$(install_command "$manager")
  if [ "$manager" = apt ]; then
    command="env DEBIAN_FRONTEND=noninteractive $command"
    twice as_root apt-get update -qq || note 'The package lists could not be refreshed; going on with the old ones.'
  fi
  # shellcheck disable=SC2086 # the command is split into words on purpose
  twice as_root $command "$@"
}

# need_packages NEED…: makes sure that the packages for compiler, window and tests, as named, are there.
need_packages() {
  if on_macos; then
    need_xcode
    return
  fi
  local manager missing
  manager=$(package_manager)
  [ -n "$manager" ] || fail 'This system has none of apt, dnf and pacman.' \
    'Install by hand: a C compiler, pkg-config, and the development files of WebKitGTK 4.1, AppIndicator and librsvg.' \
    'Then: (cd ui && npm ci && npm run build) && cargo run --features tauri/custom-protocol --bin patchbay-desktop'
  missing=$(missing_packages "$manager" "$@")
  [ -z "$missing" ] || offer_packages "$manager" "$missing"
}

# offer_packages MANAGER NAMES: lists what would be installed; installs it if that is allowed or agreed to.
offer_packages() {
  local sudo='sudo '
  ! is_root || sudo=''
  say "missing system packages: $2"
  if may_install || agree 'Install them now, with sudo?'; then
    # shellcheck disable=SC2086 # the names are split into words on purpose
    step 'installing system packages' install_packages "$1" $2
  else
    fail 'System packages are missing. Install them with:' "$sudo$(install_command "$1") $2"
  fi
}

need_xcode() {
  xcode-select -p >/dev/null 2>&1 ||
    fail 'The Xcode command line tools are missing. Install them with:' 'xcode-select --install'
}

# Keys are best kept by a Secret Service. Patchbay works without one, so this only advises.
advise_keychain() {
  local folder
  ! on_macos || return 0
  for folder in "${XDG_DATA_HOME:-$HOME/.local/share}" /usr/local/share /usr/share; do
    ! grep -qs '^Name=org.freedesktop.secrets' "$folder"/dbus-1/services/*.service || return 0
  done
  note 'No keychain (Secret Service) is installed: Patchbay will offer an encrypted file for your keys instead.'
  note 'Recommended: install the package gnome-keyring.'
}
