# SPDX-License-Identifier: Apache-2.0
# An S3 client that shares nothing with ours: Debian's botocore. One JSON command a call, one JSON answer.
#   {"do": "create", …}   make the bucket
#   {"do": "get", …}      an object: its bytes as base64, its headers
#   {"do": "presign", …}  the URL that botocore signs at the moment `at` (seconds since the epoch)
import base64
import datetime
import json
import sys

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.session
from botocore.config import Config

command = json.loads(sys.argv[1])


def client():
    config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}, signature_version="s3v4")
    return botocore.session.get_session().create_client(
        "s3", region_name=command["region"], endpoint_url=command["endpoint"], config=config,
        aws_access_key_id=command["access_key"], aws_secret_access_key=command["secret_key"])


def create():
    return {"status": client().create_bucket(Bucket=command["bucket"])["ResponseMetadata"]["HTTPStatusCode"]}


def get():
    answer = client().get_object(Bucket=command["bucket"], Key=command["key"])
    return {"body": base64.b64encode(answer["Body"].read()).decode(), "type": answer["ContentType"],
            "disposition": answer["ContentDisposition"]}


class At(datetime.datetime):
    @classmethod
    def utcnow(cls):
        return datetime.datetime.utcfromtimestamp(command["at"])


def presign():
    botocore.auth.datetime.datetime = At
    credentials = botocore.credentials.Credentials(command["access_key"], command["secret_key"])
    request = botocore.awsrequest.AWSRequest("GET", command["url"])
    botocore.auth.S3SigV4QueryAuth(credentials, "s3", command["region"], expires=command["expires"]).add_auth(request)
    return {"url": request.url}


print(json.dumps({"create": create, "get": get, "presign": presign}[command["do"]]()))
