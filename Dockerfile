# The production image: pinned dependencies, no compiler, no embedded database; it writes nothing to its file system.
# It takes its settings from the environment; DATABASE_URL and JWT_SECRET_KEY are required.

FROM python:3.13-slim AS build
WORKDIR /app
RUN python -m venv --without-pip /opt/venv
COPY requirements/production.lock requirements/production.lock
RUN pip --python /opt/venv/bin/python install --no-cache-dir --no-deps \
        --require-hashes --only-binary :all: --requirement requirements/production.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
# Editable, so that the code stays in src/ with alembic/ beside it, where `inkwell migrate` looks for the migrations.
RUN pip --python /opt/venv/bin/python install --no-cache-dir --no-deps --no-build-isolation --editable . \
    && pip --python /opt/venv/bin/python uninstall --yes setuptools \
    && python -m compileall -q --invalidation-mode unchecked-hash src

FROM python:3.13-slim
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ENV=production \
    HOST=0.0.0.0 \
    PORT=8000
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app/src src
COPY alembic alembic
COPY alembic.ini pyproject.toml ./
# A number, for Kubernetes' runAsNonRoot; the files belong to root, so the application cannot change itself.
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as url; url.build_opener(url.ProxyHandler({})).open(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=2)"]
ENTRYPOINT ["inkwell"]
CMD ["serve"]
