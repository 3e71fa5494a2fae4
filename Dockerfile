# One server in one process; docs/deploy.md says what it needs and how several stand side by side.

FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY appmixer_mcp appmixer_mcp
COPY tools tools
COPY prompts prompts
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheel . \
    && python -m venv /opt/appmixer-mcp \
    && /opt/appmixer-mcp/bin/pip install --no-cache-dir "$(echo /wheel/*.whl)[javascript,otel]"

FROM python:3.11-slim
COPY --from=build /opt/appmixer-mcp /opt/appmixer-mcp
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin appmixer \
    && install --directory --owner=appmixer --group=appmixer --mode=0700 /data
ENV PATH=/opt/appmixer-mcp/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    APPMIXER_DATA_DIR=/data
USER 10001:10001
WORKDIR /data
EXPOSE 8000
# Not with urllib, which would ask a proxy that the environment names.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "from http.client import HTTPConnection as C; c = C('127.0.0.1', 8000, timeout=4); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["appmixer-mcp"]
CMD ["serve", "--transport", "http", "--host", "0.0.0.0", "--port", "8000"]
