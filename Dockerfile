# One image for `jobctl server`, `jobctl gateway`, `jobctl worker` and `jobctl migrate`: docker build -t jobcontrol .
ARG PYTHON_VERSION=3.13

FROM python:${PYTHON_VERSION}-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /opt/jobcontrol
# The locks come first: while they stay the same, so does this layer.
COPY requirements.lock requirements-build.lock ./
RUN pip install --no-deps --require-hashes --only-binary :all: -r requirements-build.lock \
 && /opt/jobcontrol/bin/pip install --no-deps --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY sdk ./sdk
COPY core ./core
COPY server ./server
COPY workers ./workers
COPY migrations ./migrations
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
 && /opt/jobcontrol/bin/pip install --no-deps /dist/*.whl \
 && /opt/jobcontrol/bin/pip uninstall --yes pip

FROM python:${PYTHON_VERSION}-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/jobcontrol --create-home jobcontrol
COPY --from=build /opt/jobcontrol /opt/jobcontrol
ENV PATH=/opt/jobcontrol/bin:$PATH PYTHONUNBUFFERED=1
# Outside a container the server listens on the loopback address alone; here the published port decides who reaches it,
# and `server` asks for a JOBCONTROL_TOKEN.
ENV JOBCONTROL_LISTEN=0.0.0.0:50051 JOBCONTROL_HTTP=0.0.0.0:8080
USER 10001
WORKDIR /var/lib/jobcontrol
EXPOSE 50051 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["jobctl"]
CMD ["server"]
