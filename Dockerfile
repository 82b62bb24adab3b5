# One image for web and worker: `adsum serve` (the default) and `adsum work`.
#   docker build -t adsum .
#   docker run -p 8000:8000 -v adsum:/data -e ADSUM_ORIGIN=https://uni.ac.uk adsum
FROM docker.io/library/python:3.13-slim-bookworm AS build
COPY requirements/build.txt requirements/postgres.txt /src/requirements/
RUN python -m venv /opt/adsum \
 && /opt/adsum/bin/pip install --no-cache-dir --no-deps --require-hashes \
      -r /src/requirements/build.txt -r /src/requirements/postgres.txt
COPY . /src
RUN /opt/adsum/bin/pip install --no-cache-dir --no-build-isolation --no-deps /src \
 && ADSUM_DATA=/tmp/build DJANGO_SETTINGS_MODULE=adsum.settings /opt/adsum/bin/python -m django collectstatic --no-input

FROM docker.io/library/python:3.13-slim-bookworm
COPY --from=build /opt/adsum /opt/adsum
RUN useradd --system --uid 10001 --create-home --home-dir /data adsum
USER adsum
ENV PATH=/opt/adsum/bin:$PATH PYTHONUNBUFFERED=1 ADSUM_DATA=/data
VOLUME /data
EXPOSE 8000
# SIGTERM drains what was scanned and closes the live streams; give it longer than the server's own limit.
STOPSIGNAL SIGTERM
CMD ["adsum", "serve", "--host", "0.0.0.0", "--port", "8000"]
