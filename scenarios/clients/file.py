#!/usr/bin/env python3
"""A client for Driftproof's `command` store: keeps everything in one JSON file under a lock.

Start from it for a store of your own: replace `operate` by calls to your store. One request is one line of JSON on
standard input, one answer one line on standard output; the protocol is documented in src/store/command/mod.rs.

Answer `fail` only if the operation certainly did not happen. When in doubt, answer `info`.

Usage: file.py FILE
"""

import fcntl
import json
import os
import sys
import time


class Refused(Exception):
    """The operation certainly did not happen."""

    def __init__(self, why, **more):
        super().__init__(why)
        self.more = more


def operate(data, request):
    """Does one operation on the data and returns what `ok` answers."""
    op, key, value = request["op"], request.get("k"), request.get("v")
    if op == "prepare":
        return {}
    if op == "remove":
        for name in [name for name in data if name.startswith(key)]:
            del data[name]
        return {}
    if op in ("read", "count"):
        return {"v": data.get(key, 0 if op == "count" else None)}
    if op == "write":
        data[key] = value
        return {"v": value}
    if op == "cas":
        if data.get(key) != value[0]:
            raise Refused("the value is another one", actual=data.get(key))
        data[key] = value[1]
        return {"v": value}
    if op in ("add", "enqueue"):
        data.setdefault(key, []).append(value)
        return {"v": value}
    if op == "members":
        return {"v": data.get(key, [])}
    if op == "dequeue":
        return {"v": data[key].pop(0) if data.get(key) else None}
    if op == "drain":
        return {"v": data.pop(key, [])}
    if op == "increment":
        data[key] = data.get(key, 0) + value
        return {"v": value}
    if op == "txn":
        done = []
        for kind, name, element in value:
            if kind == "append":
                data.setdefault(name, []).append(element)
                done.append([kind, name, element])
            else:
                done.append([kind, name, list(data.get(name, []))])
        return {"v": done}
    if op == "open":
        data.update({name: request["balance"] for name in request["accounts"]})
        return {}
    if op == "balances":
        return {"v": {name: data[name] for name in request["accounts"]}}
    if op == "transfer":
        if data[value["from"]] < value["amount"]:
            raise Refused("the account would be overdrawn")
        data[value["from"]] -= value["amount"]
        data[value["to"]] += value["amount"]
        return {"v": value}
    if op == "acquire":
        lock = data.setdefault(key, {"token": 0, "until": 0})
        if lock["until"] > time.time():
            raise Refused("the lock is held")
        data[key] = {"token": lock["token"] + 1, "until": time.time() + 30}
        return {"v": lock["token"] + 1}
    if op == "release":
        lock = data.get(key, {"token": 0, "until": 0})
        if lock["token"] != value or lock["until"] == 0:
            raise Refused("the lock is not held under this token any more")
        data[key] = {"token": value, "until": 0}
        return {"v": value}
    raise Refused(f"this client has no operation {op}")


def perform(path, request):
    """One operation under the lock; the file is replaced as a whole, so that a crash leaves the old or the new one."""
    with open(path + ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        data = {}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                data = json.load(file)
        answer = operate(data, request)
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(data, file)
        os.replace(path + ".new", path)
        return answer


def main():
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"type": "ok", **perform(sys.argv[1], request)}
        except Refused as error:
            answer = {"type": "fail", "error": str(error), **error.more}
        except Exception as error:  # Whatever went wrong, the operation may have happened.
            answer = {"type": "info", "error": repr(error)}
        print(json.dumps({"id": request["id"], **answer}), flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
