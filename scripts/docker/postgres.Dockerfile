# PostgreSQL with what polarlens needs of a database server: pgvector, PL/Python, and PL/Python's packages.
# Debian's own image would do as well (the packages have the same names there); this one brings an entry point that
# makes the cluster, and PostgreSQL's repository with a newer pgvector.
FROM postgres:17-trixie

RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        postgresql-17-pgvector \
        postgresql-plpython3-17 \
        python3-pil \
        python3-urllib3 \
        python3-certifi \
        python3-pip \
    && rm -rf /var/lib/apt/lists/*

# Object stores (locations) need opendal, which Debian does not have.
RUN pip install --no-cache-dir --no-compile --target /opt/polarlens/pylib "opendal>=0.45"
ENV PYTHONPATH=/opt/polarlens/pylib

COPY scripts/docker/with_secrets /usr/local/bin/with_secrets
# Comes before the real one in PATH. The image's entry point leaves the superuser's password in the environment, where
# a token called env:POSTGRES_PASSWORD would find it.
RUN printf '#!/bin/sh\nunset POSTGRES_PASSWORD\nexec with_secrets /usr/lib/postgresql/17/bin/postgres "$@"\n' \
        > /usr/local/bin/postgres \
    && chmod 755 /usr/local/bin/postgres /usr/local/bin/with_secrets
