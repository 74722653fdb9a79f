#!/usr/bin/env bats
#
# The worker's config: how its path is understood, and what is said of a wrong one.

load world

@test "a path typed at the prompt installs the worker" {
    types "$CONFIG"
    installer
    ends_with 0
    says "Enter the full path of the worker config"
    says "worker attic of https://render.example.org"
    runs sha256:one
}

@test "a path typed in a terminal installs the worker" {
    run "${ON_MACHINE[@]}" python3 "$HERE/terminal.py" "full path" "$CONFIG"$'\n' -- "$INSTALLER"
    echo "$output"
    ends_with 0
    runs sha256:one
}

# understands TEXT FILE: what is typed names that file
understands() {
    write_config "$2"
    types "$1"
    installer --no-render
    ends_with 0
    cmp "$2" "$STUB/verified"
    did "source=.*,target=/run/pictor/worker-config.json,readonly"
}

@test "blanks and a carriage return around a path are not part of it" {
    understands "  $HOME/a.json "$'\t\r' "$HOME/a.json"
}

@test "double quotes around a path are not part of it" {
    understands "\"$HOME/with blank.json\" " "$HOME/with blank.json"
}

@test "single quotes around a path are not part of it" {
    understands "'$HOME/with blank.json'" "$HOME/with blank.json"
}

@test "a tilde is the home directory" {
    understands "~/a.json" "$HOME/a.json"
}

@test "file:// is understood, with its percent signs" {
    understands "file://$HOME/gr%C3%B6%C3%9Fe%20100%25.json" "$HOME/größe 100%.json"
}

@test "file://localhost is understood" {
    understands "file://localhost$HOME/a.json" "$HOME/a.json"
}

@test "a path that a terminal escaped is understood" {
    understands "$HOME/with\\ blank\\ \\(1\\).json" "$HOME/with blank (1).json"
}

@test "a backslash that belongs to the name stays" {
    understands "$HOME/back\\slash.json" "$HOME/back\\slash.json"
}

@test "commas, quotes, dollars and letters of any alphabet reach Docker unbroken" {
    understands "$HOME/a,b \"c\" \$d & é 名.json" "$HOME/a,b \"c\" \$d & é 名.json"
}

@test "a relative path is taken from where the installer was started" {
    cd "$HOME"
    understands "a.json" "$HOME/a.json"
}

@test "under sudo a tilde is the home directory of who typed it" {
    [[ "$(getent passwd root | cut -d : -f 6)" == /root ]]
    export SUDO_USER=root
    installer --config "~/pictor-no-such-config.json"
    ends_with 3
    says "/root/pictor-no-such-config.json"
}

@test "a config can be an argument, in either form" {
    installer "--config=$CONFIG" --no-render
    ends_with 0
    says_not "Enter the full path"
}

@test "a config can come from the environment" {
    PICTOR_WORKER_CONFIG="$CONFIG" installer --no-render
    ends_with 0
    says_not "Enter the full path"
}

@test "a bad path is asked for again, and the third good one installs" {
    types "/nowhere/at/all.json" "" "$CONFIG"
    installer --no-render
    ends_with 0
    says "There is no file /nowhere/at/all.json"
    says "Nothing was entered. Try again."
}

@test "after three bad paths it ends" {
    types /no/a /no/b /no/c "$CONFIG"
    installer
    ends_with 3
    says "There is no file /no/c"
    changed_nothing
}

@test "the end of the input ends it" {
    installer
    ends_with 3
    says "No config was named"
    changed_nothing
}

# refuses PATH REASON…
refuses() {
    installer --config "$1"
    ends_with 3
    shift
    local reason
    for reason in "$@"; do
        says "$reason"
    done
    [[ ! -s "$STUB/log" ]]
}

@test "a missing file is named, with the configs beside it" {
    refuses "$HOME/wroker-config.json" "There is no file $HOME/wroker-config.json" "In it: $CONFIG"
}

@test "a missing directory is named" {
    refuses "$HOME/no/such/config.json" "There is no file" "$HOME has nothing of that name"
}

@test "a directory is refused, with the configs in it" {
    refuses "$HOME" "$HOME is a directory" "$CONFIG"
}

@test "a file that is none is refused" {
    refuses /dev/null "/dev/null is not a file"
}

@test "an empty file is refused" {
    : >"$HOME/empty.json"
    refuses "$HOME/empty.json" "is empty"
}

@test "a path of Windows is translated" {
    refuses 'C:\Users\me\worker-config.json' "path of Windows" "/mnt/c/Users/me/worker-config.json"
}

@test "a scene instead of a config is refused at once" {
    head -c 100000 /dev/zero >"$HOME/scene.blend"
    refuses "$HOME/scene.blend" "too long for a worker config"
}

# Runs the installer as a user who is not root, for whom permissions count.
as_nobody() {
    cp "$INSTALLER" "$T/installer.sh"
    INSTALLER="$T/installer.sh"
    chmod -R a+rwX "$T"
    AS=("${ON_MACHINE[@]}")
    ((EUID != 0)) || AS=(setpriv --reuid=65534 --regid=65534 --clear-groups "${AS[@]}")
}

@test "a file that may not be read is refused" {
    as_nobody
    chmod 000 "$CONFIG"
    run "${AS[@]}" "$INSTALLER" --config "$CONFIG"
    ends_with 3
    says "There is no permission to read $CONFIG. It belongs to "
}

@test "a file in a directory that may not be entered is refused" {
    as_nobody
    mkdir -p "$HOME/closed"
    chmod 000 "$HOME/closed"
    run "${AS[@]}" "$INSTALLER" --config "$HOME/closed/worker-config.json"
    ends_with 3
    says "There is no permission to look into $HOME/closed"
}

# refuses_content TEXT REASON
refuses_content() {
    printf '%s' "$1" >"$HOME/bad.json"
    chmod 600 "$HOME/bad.json"
    refuses "$HOME/bad.json" "$2"
}

CONTENT='"version":1,"coordinator":"https://c.example","worker_id":"w","token":"'"$TOKEN"'","name":"n"'

@test "what is not JSON is refused, with the reason" {
    refuses_content "hello" 'is not JSON: a value is missing before "h"'
    refuses_content "{$CONTENT" 'is not JSON: "}" is missing at its end'
    refuses_content "{$CONTENT,}" "is not JSON: a string is missing"
    refuses_content "{$CONTENT} x" 'is not JSON: the end is missing before "x"'
    refuses_content "{'version':1}" "is not JSON: a string is missing before \"'\""
    refuses_content '{"version":01}' "is not JSON"
    refuses_content $'{"name":"two\nlines"}' "is not JSON"
    refuses_content '{"name":"\x"}' "is not JSON"
    refuses_content "{\"token\" \"$TOKEN\"}" 'is not JSON: ":" is missing before a string'
}

@test "a byte order mark and UTF-16 are named" {
    refuses_content $'\xef\xbb\xbf'"{$CONTENT}" "byte order mark"
    printf '\xff\xfe{\0' >"$HOME/bad.json"
    refuses "$HOME/bad.json" "UTF-16"
}

@test "deep nesting ends the reader and not the machine" {
    refuses_content "$(printf '[%.0s' {1..5000})" "nested too deeply"
}

@test "JSON that is no worker config is refused, with what is wrong" {
    refuses_content '[]' "is not a worker config: it is not a JSON object"
    refuses_content '{}' "is not a worker config: version is missing"
    refuses_content '{"version":"1"}' "version is not a number"
    refuses_content '{"version":1,"coordinator":"https://c.example"}' "worker_id is missing"
    refuses_content '{"version":1,"coordinator":"https://c.example","worker_id":"w","name":"n"}' "token is missing"
    refuses_content '{"version":1,"coordinator":"https://c.example","worker_id":"w","token":"","name":"n"}' \
        "token is empty"
    refuses_content "{${CONTENT/https:/ftp:}}" "does not begin with http:// or https://"
    refuses_content "{${CONTENT/c.example/me@c.example}}" "must not hold a user or a password"
    refuses_content "{$CONTENT,\"options\":[]}" "options is not an object"
    refuses_content '{"options":{"version":1,"token":"x"}}' "version is missing"
}

@test "a config of another version is refused" {
    refuses_content "{${CONTENT/1/2}}" "is of version 2, and this installer knows version 1"
}

@test "JSON in any form is a config" {
    printf '{%s , "more" : [1, -2.5e+3, {"a":null}, [], {}, true],"options":{}}' "${CONTENT/:\/\//:\\/\\/}" \
        >"$HOME/odd.json"
    installer --config "$HOME/odd.json" --no-render
    ends_with 0
    says "worker n of https://c.example"
}

@test "a config that others can read is warned about" {
    chmod 644 "$CONFIG"
    installer --config "$CONFIG" --no-render
    ends_with 0
    says "[WARN] Others can read the token in it: chmod 600 $CONFIG"
}

@test "the copy of the config is its owner's alone, and whole" {
    chmod 644 "$CONFIG"
    installer --config "$CONFIG" --no-render
    ends_with 0
    [[ "$(stat -c %a "$HOME/.config/pictor/pictor-worker.json")" == 600 ]]
    [[ "$(stat -c %a "$HOME/.config/pictor")" == 700 ]]
    cmp "$CONFIG" "$HOME/.config/pictor/pictor-worker.json"
    [[ "$(ls -A "$HOME/.config/pictor")" == pictor-worker.json ]]
}

@test "root keeps the config in /etc, for the user of the image" {
    echo 0 >"$STUB/engine/uid"
    installer --config "$CONFIG" --no-render
    ends_with 0
    cmp "$CONFIG" "$PICTOR_ROOT/etc/pictor/pictor-worker.json"
    did "^chown -- 10001:10001 $PICTOR_ROOT/etc/pictor/pictor-worker.json.new"
    did "docker run -d .*--user 10001:10001 .*source=$PICTOR_ROOT/etc/pictor/pictor-worker.json,"
}

@test "XDG_CONFIG_HOME is where a user's config is kept" {
    XDG_CONFIG_HOME="$T/xdg" installer --config "$CONFIG" --no-render
    ends_with 0
    cmp "$CONFIG" "$T/xdg/pictor/pictor-worker.json"
}
