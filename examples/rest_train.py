"""Trains a model over REST, with nothing but `requests`.

Start the suite first (`omniscope up --detach`), then run this from the same folder. Two variables
point it elsewhere: OMNISCOPE_ADDRESS and OMNISCOPE_TOKEN_FILE.
"""

import os
import time
from pathlib import Path
from typing import Any

import requests

address = os.environ.get("OMNISCOPE_ADDRESS", "localhost:8080")
token = Path(os.environ.get("OMNISCOPE_TOKEN_FILE", ".omniscope/token")).read_text().strip()
table = Path(__file__).parent / "data" / "tissue7.csv"

session = requests.Session()
session.headers["Authorization"] = f"Bearer {token}"

# The file is the body of the request; a used name makes the next version.
with table.open("rb") as file:
    uploaded = session.post(
        f"http://{address}/api/ml/datasets?name=my_dataset&format=csv", data=file
    )
uploaded.raise_for_status()

response = session.post(
    f"http://{address}/api/ml/automl/train",
    json={
        "dataset_id": "my_dataset",
        "target_column": "tissue",
        "feature_columns": ["DOCK4", "FCN3", "GPA33"],
        "problem_type": "classification",
        "time_limit": 60,
        "quality": "medium_quality",
    },
)
response.raise_for_status()
job_id = response.json()["job_id"]

status: dict[str, Any] = {"status": "queued"}
while status["status"] in ("queued", "running"):
    time.sleep(2)
    status = session.get(f"http://{address}/api/ml/jobs/{job_id}/status").json()
    print(f"Status: {status['status']}, Progress: {status['progress']:.0f}%")

if status["status"] != "succeeded":
    raise SystemExit(f"The job failed: {status['error']['message']}")

results = session.get(f"http://{address}/api/ml/models/{status['model_id']}/results").json()
held_out = next(part for part in results["metrics"] if part["split"] == "test")
print(f"Held-out accuracy of {results['best_model']}: {held_out['values']['accuracy']:.3f}")
