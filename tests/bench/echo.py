"""B1's baseline: an endpoint under the services' own server that gives back what it was sent, and does nothing else."""

from fastapi import FastAPI

from services.chassis.service import serve
from services.chassis.settings import ServiceSettings
from services.intake.taking import ReportForm

app = FastAPI(openapi_url=None)


@app.post("/api/intake/v1/reports", status_code=201)
async def echo(form: ReportForm) -> ReportForm:
    return form


if __name__ == "__main__":
    serve(app, ServiceSettings.from_environment(), "echo")
