# The project's programs: the CLIP service, and the tools that a person runs (alembic, dbt, scripts/load_photos).
FROM python:3.11-slim-trixie

WORKDIR /polarlens
COPY pyproject.toml README.md LICENSE ./
RUN pip install --no-cache-dir ".[local]"
COPY alembic alembic
COPY dbt_project dbt_project
COPY scripts scripts
COPY udfs udfs

ENV POLARLENS_PYTHON=/usr/local/bin/python \
    POLARLENS_HOME=/var/lib/polarlens \
    DBT_TARGET_PATH=/tmp/dbt \
    DBT_LOG_PATH=/tmp/dbt
RUN useradd --uid 1000 --home-dir /var/lib/polarlens --create-home polarlens
USER 1000
VOLUME /var/lib/polarlens

ENTRYPOINT ["scripts/docker/with_secrets"]
CMD ["scripts/clip_service", "run", "--host", "0.0.0.0", "--port", "51000"]
