"""A bare grpc.aio server that answers GetModel with a constant: the ceiling for Python servers."""

import asyncio
import sys

import grpc

from omniscope.common.v1 import model_pb2


async def serve(model: model_pb2.Model) -> None:
    """Answers until it is killed; prints its port first."""

    async def get_model(request: bytes, context: object) -> model_pb2.Model:
        del request, context
        return model

    handler: grpc.RpcMethodHandler[bytes, model_pb2.Model] = grpc.unary_unary_rpc_method_handler(
        get_model, response_serializer=model_pb2.Model.SerializeToString
    )
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        [
            grpc.method_handlers_generic_handler(
                "omniscope.registry.v1.ModelService", {"GetModel": handler}
            )
        ]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(model_pb2.Model.FromString(bytes.fromhex(sys.argv[1]))))
