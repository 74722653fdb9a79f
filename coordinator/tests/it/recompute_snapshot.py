"""Recomputes a campaign's final snapshot from what the campaign published, and nothing else.

    python3 recompute_snapshot.py ledger.csv rules.toml snapshot [snapshot.sig public-key]

Exit 0 when the snapshot says what follows from the ledger and the rules, byte for byte; 1 when not. Knows no code of
the coordinator: only its description in src/campaign/snapshot/text.rs. Who is out of the ranking is the operators'
decision; it is taken from the snapshot, all else is computed. With a signature and a key, OpenSSL checks them.
"""

import csv
import hashlib
import pathlib
import subprocess
import sys
import tempfile
import tomllib

# Before the 32 bytes of a key: the head of its DER form (RFC 8410).
DER_HEAD = bytes.fromhex("302a300506032b6570032100")


def standings(ledger):
    """What everybody's available account sums up to, and the last entry that moved it."""
    points, last, sums, newest = {}, {}, {}, 0
    with open(ledger, encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            entry, amount = int(row["entry"]), int(row["amount_micros"])
            newest = max(newest, entry)
            sums[entry] = sums.get(entry, 0) + amount
            if row["account"] == "available":
                points[row["user"]] = points.get(row["user"], 0) + amount
                last[row["user"]] = max(last.get(row["user"], 0), entry)
    unbalanced = [entry for entry, total in sums.items() if total]
    if unbalanced:
        sys.exit(f"entries {unbalanced[:5]} do not sum to zero")
    return {user: (total, last[user]) for user, total in points.items() if total > 0}, newest


def prizes(document):
    """What each rank gets, in cents."""
    ranks = {}
    for band in tomllib.loads(document.decode())["prizes"]["bands"]:
        whole, _, fraction = str(band["each"]).partition(".")
        cents = int(whole) * 100 + int((fraction + "00")[:2])
        ranks.update(dict.fromkeys(range(band["from"], band["to"] + 1), cents))
    return ranks


def recompute(ledger, document, published):
    head = dict(line.split(" ", 1) for line in published.splitlines()[1:7])
    version = head["rules"].split(" ")[0]
    people, newest = standings(ledger)
    rows = [line.split(",") for line in published.splitlines()[8:]]
    out = {row[1] for row in rows if row[0] == "0"}
    each = prizes(document)
    ranked = sorted((-total, last, user) for user, (total, last) in people.items() if user not in out)
    lines = [
        "pictor campaign snapshot 1",
        f"campaign {head['campaign']}",
        f"rules {version} {hashlib.sha256(document).hexdigest()}",
        f"last_entry {newest}",
        f"taken_at_us {head['taken_at_us']}",
        f"currency {tomllib.loads(document.decode())['prizes']['currency']}",
        f"people {len(ranked)}",
        "rank,user,points_micros,last_entry,prize_cents",
    ]
    for rank, (total, last, user) in enumerate(ranked, 1):
        lines.append(f"{rank},{user},{-total},{last},{each.get(rank, 0)}")
    for user in sorted(out):
        lines.append(f"0,{user},{people[user][0]},{people[user][1]},0")
    return "".join(line + "\n" for line in lines)


def is_signed(text, signature, key):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "key").write_bytes(DER_HEAD + bytes.fromhex(key))
        (folder / "signature").write_bytes(bytes.fromhex(signature.strip()))
        (folder / "text").write_bytes(text)
        command = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey", folder / "key"]
        command += ["-in", folder / "text", "-sigfile", folder / "signature"]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0


def main(ledger, rules, snapshot, signature=None, key=None):
    published = pathlib.Path(snapshot).read_bytes()
    if signature and not is_signed(published, pathlib.Path(signature).read_text(), key):
        sys.exit("the signature is wrong")
    computed = recompute(ledger, pathlib.Path(rules).read_bytes(), published.decode())
    if computed.encode() == published:
        print("the snapshot follows from the ledger and the rules")
        return
    pairs = zip(computed.splitlines(), published.decode().splitlines())
    different = next((f"{mine!r} is published as {theirs!r}" for mine, theirs in pairs if mine != theirs), "a line")
    sys.exit(f"the snapshot does not follow: {different}")


if __name__ == "__main__":
    main(*sys.argv[1:])
