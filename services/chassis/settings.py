"""What every service is told by its environment."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.chassis import tracing


class ServiceSettings(BaseSettings):
    """Read once from `DOORSTEP_*` when the service is composed, and passed down."""

    # An error that quoted what it was given would put keys into the log.
    model_config = SettingsConfigDict(env_prefix="DOORSTEP_", frozen=True, extra="ignore", hide_input_in_errors=True)

    env: Literal["local", "production"] = "production"
    host: str = "127.0.0.1"
    port: int
    application_dsn: SecretStr
    worker_dsn: SecretStr
    kafka: str
    staff_public_key: str = ""
    """PEM of the Ed25519 key that signs this machine's own staff tokens; they hold with `env=local` alone."""
    language: Literal["zh", "ug", "kk-Arab", "kk", "en"] = "en"
    """Of pages for whoever has chosen none and whose browser asks for none that Doorstep speaks."""
    public_url: str = ""
    """Where browsers find Doorstep, e.g. `https://doorstep.example.org`; needed for sign-in."""
    oidc_issuer: str = ""
    """The OpenID provider that staff sign in at; without one, nobody can sign in at pages."""
    oidc_client_id: str = "doorstep"
    oidc_client_secret: SecretStr = SecretStr("")
    """Empty for a public client; PKCE protects the code either way."""
    oidc_audience: str = "doorstep"
    """Whom an access token has to be for."""
    oidc_staff_claim: str = "sub"
    """What events, duty rosters and lists know a member of staff by: a pseudonym that never goes to somebody else."""
    oidc_roles_claim: str = "doorstep_roles"
    oidc_areas_claim: str = "doorstep_areas"
    service_key: SecretStr
    """Base64; what services sign their tokens to each other with."""
    fingerprint_key: SecretStr
    """Base64; turns idempotency keys, references and requests into what may be stored of them."""
    particulars_keys: SecretStr
    """`id:base64,id:base64`; the last seals, all open."""
    intake_url: str = ""
    mediation_url: str = ""
    notifications_url: str = ""
    reporting_url: str = ""
    traces: Annotated[str, AfterValidator(tracing.check)] = ""
    """Where traces go: `file:/a/folder`, the address of an OTLP collector, or nowhere."""

    def services_besides(self, name: str) -> dict[str, str]:
        """The address of each other service that is known, by its name."""
        known = {
            "intake": self.intake_url,
            "mediation": self.mediation_url,
            "notifications": self.notifications_url,
            "reporting": self.reporting_url,
        }
        return {other: url for other, url in known.items() if url and other != name}

    @model_validator(mode="after")
    def _sign_in_is_whole(self) -> Self:
        if self.oidc_issuer and not self.public_url:
            raise ValueError("DOORSTEP_OIDC_ISSUER needs DOORSTEP_PUBLIC_URL, to which the issuer sends staff back")
        addresses = (self.oidc_issuer, self.public_url)
        if self.env == "production" and not all(one.startswith("https://") for one in addresses if one):
            raise ValueError("DOORSTEP_OIDC_ISSUER and DOORSTEP_PUBLIC_URL must begin with https:// in production")
        return self

    @classmethod
    def from_environment(cls) -> Self:
        """Raises pydantic's ValidationError, which names the variable that is missing or wrong."""
        return cls.model_validate({})
