# SPDX-License-Identifier: Apache-2.0
# One part of OpenStack Swift, from its library alone: Debian's packages of the servers would start them as
# services of the machine.
#   swift_part.py ring ARGUMENTS…                               what swift-ring-builder does
#   swift_part.py account|container|object|proxy CONFIGURATION  a server
import importlib
import sys

from swift.common import utils

# What /etc/swift/swift.conf would say.
utils.HASH_PATH_SUFFIX = b"daybook"

part = sys.argv[1]
if part == "ring":
    from swift.cli.ringbuilder import main

    sys.exit(main(["swift-ring-builder", *sys.argv[2:]]))

from swift.common.wsgi import run_wsgi  # noqa: E402

module = importlib.import_module(f"swift.{'obj' if part == 'object' else part}.server")
options = {}
if hasattr(module, "global_conf_callback"):
    options["global_conf_callback"] = module.global_conf_callback
sys.exit(run_wsgi(sys.argv[2], f"{part}-server", **options))
