# The pages' files come from npm, pinned and checked by hash; the Python parts from the pinned closure.
FROM node:22-bookworm-slim AS pages
RUN apt-get update && apt-get install -y --no-install-recommends python3 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY app ./app
RUN python3 -m app.server.pages.fetch

FROM python:3.11-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY app ./app
COPY --from=pages /src/app/server/pages/vendor ./app/server/pages/vendor
RUN grep -oE '^[a-z0-9._-]+==[^ ;\\]+' constraints.txt > pins.txt \
    && python -m venv /gateway \
    && /gateway/bin/pip install --no-cache-dir --disable-pip-version-check -c pins.txt .

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /data gateway && mkdir /data && chown gateway /data
COPY --from=build /gateway /gateway
USER gateway
WORKDIR /data
ENV PATH=/gateway/bin:$PATH GATEWAY_HOST=0.0.0.0 GATEWAY_DATA_DIR=/data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/live', timeout=4)"]
ENTRYPOINT ["gateway"]
CMD ["serve"]
